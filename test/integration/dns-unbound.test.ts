import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { testResolver } from '../support/dns-resolver'
import { startKnot, startUnbound, type RealServer, type UnboundOptions } from '../support/dns-servers'
import { needs } from '../support/programs'

const skip = needs('knotd', 'unbound')
const ca = readFileSync('test/fixtures/tls/ca.pem', 'utf8')
const tuning = { timeoutMs: 3_000 }

const ZONE = `
  @      MX    10 mx
  mx     A     192.0.2.1
  mx     AAAA  2001:db8::1
  null   MX    0 .
  alias  CNAME @
  away   CNAME example.org.
`

async function setUp(t: TestContext, options: UnboundOptions = {}): Promise<RealServer> {
  const knot = await startKnot({ 'example.com': ZONE, 'example.org': '@ MX 5 mx' })
  t.after(() => knot.stop())
  const stubs = { 'example.com': knot.port, 'example.org': knot.port, 'broken.example': knot.port }
  const unbound = await startUnbound({ stubs, ...options })
  t.after(() => unbound.stop())
  return unbound
}

const CASES: readonly (readonly [domain: string, outcome: unknown])[] = [
  ['example.com', [{ priority: 10, exchange: 'mx.example.com' }]],
  ['alias.example.com', [{ priority: 10, exchange: 'mx.example.com' }]],
  ['away.example.com', [{ priority: 5, exchange: 'mx.example.org' }]],
  ['null.example.com', 'nullmx'],
  ['mx.example.com', 'nodata'],
  ['none.example.com', 'nxdomain'],
  // knotd refuses what is not its zone, and unbound finds no other server to ask.
  ['broken.example', 'ESERVFAIL'],
  ['elsewhere.example', 'EREFUSED'],
]

const MODES: Readonly<Record<string, UnboundOptions>> = {
  UDP: {},
  'DNS over TLS': {
    tls: {
      key: `${process.cwd()}/test/fixtures/tls/server.key`,
      cert: `${process.cwd()}/test/fixtures/tls/server.pem`,
    },
  },
}

for (const [mode, options] of Object.entries(MODES)) {
  test(`unbound resolves as recursive server over ${mode}`, { skip }, async (t) => {
    const unbound = await setUp(t, options)
    const resolver = testResolver([unbound.server], { ca, tuning })
    t.after(() => resolver.close())
    for (const [domain, outcome] of CASES) {
      const answer = await resolver.mx(domain)
      const got =
        answer.kind === 'mx' ? answer.records : answer.kind === 'failed' ? answer.error.code : answer.kind
      assert.deepEqual(got, outcome, domain)
    }
    const addresses = await resolver.addresses('mx.example.com', 'default')
    assert.deepEqual(addresses.kind === 'addresses' && addresses.addresses, ['2001:db8::1', '192.0.2.1'])
    const burst = Array.from(
      { length: 500 },
      async (_, i) => (await resolver.mx(`burst${i}.example.com`)).kind,
    )
    assert.deepEqual(new Set(await Promise.all(burst)), new Set(['nxdomain']))
  })
}

test('DNS over TLS: after a certificate for another name the next server is asked', { skip }, async (t) => {
  const { pathname } = new URL(`file://${process.cwd()}/test/fixtures/tls`)
  const wrong = await setUp(t, {
    tls: { key: `${pathname}/wrong-name.key`, cert: `${pathname}/wrong-name.pem` },
  })
  const good = await setUp(t)
  const only = testResolver([wrong.server], { ca, tuning })
  const both = testResolver([wrong.server, good.server], { ca, tuning })
  t.after(() => {
    only.close()
    both.close()
  })
  const refused = await only.mx('example.com')
  assert.equal(refused.kind === 'failed' && refused.error.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  const answer = await both.mx('example.com')
  assert.equal(answer.kind === 'mx' && answer.server, `127.0.0.1:${good.port}`)
})

test('a server that stops is replaced by the next, and used again when it is back', { skip }, async (t) => {
  const one = await setUp(t)
  const two = await setUp(t)
  let time = 0
  const resolver = testResolver([one.server, two.server], { cacheSize: 0, now: () => time, tuning })
  t.after(() => resolver.close())
  const serverOf = async () => {
    const answer = await resolver.mx('example.com')
    return answer.kind === 'mx' ? answer.server : answer.kind
  }
  assert.equal(await serverOf(), `127.0.0.1:${one.port}`)
  await one.stop()
  assert.equal(await serverOf(), `127.0.0.1:${two.port}`)
  const again = await setUp(t, { port: one.port })
  time += 5_000
  // The probe goes beside a real query; the one after its answer has the first server again.
  const limit = performance.now() + 60_000
  while ((await serverOf()) !== `127.0.0.1:${again.port}` && performance.now() < limit);
  assert.equal(await serverOf(), `127.0.0.1:${again.port}`)
})
