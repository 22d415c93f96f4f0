import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { testResolver } from '../support/dns-resolver'
import { startKnot, type KnotServer } from '../support/dns-servers'
import { needs } from '../support/programs'

const skip = needs('knotd')

const many = Array.from(
  { length: 100 },
  (_, i) => `many MX ${i} a-host-with-a-rather-long-name-${i}.example.com.`,
)

const ZONE = `
  @          MX    20 mx2
  @          MX    10 mx1
  mx1        A     192.0.2.1
  mx1        AAAA  2001:db8::1
  mx2        A     192.0.2.2
  null       MX    0 .
  alias      CNAME @
  away       CNAME far.example.org.
  dangling   CNAME nowhere.example.org.
  lost       CNAME mail.example.net.
  sub        NS    ns.sub
  ns.sub     A     192.0.2.53
  short      30 MX 10 mx1
  dotted     MX    10 a\\.b
  ${many.join('\n')}
`

let knot: KnotServer
let resolver: Resolver

before(async () => {
  if (skip !== false) return
  knot = await startKnot({ 'example.com': ZONE, 'example.org': 'far MX 5 mx.example.org.\nmx A 192.0.2.5' })
  resolver = testResolver([knot.server], { tuning: { timeoutMs: 2_000 } })
})

after(async () => {
  if (skip !== false) return
  resolver.close()
  await knot.stop()
})

const CASES: readonly (readonly [domain: string, outcome: unknown, why: string])[] = [
  ['example.com', ['10 mx1.example.com', '20 mx2.example.com'], 'MX by priority'],
  ['EXAMPLE.com.', ['10 mx1.example.com', '20 mx2.example.com'], 'case and trailing dot do not matter'],
  ['null.example.com', 'nullmx', 'null MX (RFC 7505)'],
  ['mx1.example.com', 'nodata', 'the name exists, an MX does not'],
  ['none.example.com', 'nxdomain', 'the name does not exist'],
  ['alias.example.com', ['10 mx1.example.com', '20 mx2.example.com'], 'CNAME within the zone'],
  ['away.example.com', ['5 mx.example.org'], 'CNAME into another zone'],
  ['dangling.example.com', 'nxdomain', 'CNAME to a name that is not there'],
  ['lost.example.com', 'EREFUSED', 'CNAME to where the server may not go'],
  ['deep.sub.example.com', 'EREFERRAL', 'a referral is not an absence (RFC 2308 2.2)'],
  ['example.net', 'EREFUSED', 'not a zone of this server'],
  ['dotted.example.com', 'EBADRESP', 'a dot in a label'],
]

test('MX answers of knotd', { skip }, async (t) => {
  for (const [domain, outcome, why] of CASES) {
    await t.test(`${domain}: ${why}`, async () => {
      const answer = await resolver.mx(domain)
      const got =
        answer.kind === 'mx'
          ? answer.records.map(({ priority, exchange }) => `${priority} ${exchange}`)
          : answer.kind === 'failed'
            ? answer.error.code
            : answer.kind
      assert.deepEqual(got, outcome)
    })
  }
})

test('a long answer of knotd is truncated, and complete over TCP (RFC 7766)', { skip }, async () => {
  const answer = await resolver.mx('many.example.com')
  assert.equal(answer.kind === 'mx' && answer.records.length, 100)
})

test('TTLs are those of knotd', { skip }, async () => {
  const short = await resolver.mx('short.example.com')
  assert.equal(short.kind === 'mx' && short.ttlSeconds, 30)
  const absent = await resolver.mx('absent.example.com')
  assert.equal(absent.kind === 'nxdomain' && absent.ttlSeconds, 60, 'the minimum of its SOA (RFC 2308 5)')
})

test('addresses of knotd have both families', { skip }, async () => {
  const answer = await resolver.addresses('mx1.example.com', 'v4')
  assert.deepEqual(answer.kind === 'addresses' && answer.addresses, ['192.0.2.1', '2001:db8::1'])
})

test('2000 names are looked up at once without a failure', { skip }, async () => {
  const kinds = await Promise.all(
    Array.from({ length: 2000 }, async (_, i) => (await resolver.mx(`burst${i}.example.com`)).kind),
  )
  assert.deepEqual(new Set(kinds), new Set(['nxdomain']))
})

test('a changed zone is visible after the cache is flushed', { skip }, async () => {
  await resolver.mx('mail.example.org')
  await knot.reload('example.org', 'mail MX 7 new')
  assert.equal((await resolver.mx('mail.example.org')).kind, 'nxdomain', 'remembered')
  resolver.flush('mail.example.org')
  const answer = await resolver.mx('mail.example.org')
  assert.deepEqual(answer.kind === 'mx' && answer.records, [{ priority: 7, exchange: 'new.example.org' }])
})

/** An internal server that has one zone and refuses all else, and a public one that does not know that zone. */
async function startTwo(t: TestContext): Promise<{ internal: KnotServer; outside: KnotServer }> {
  const internal = await startKnot({ 'corp.internal': '@ MX 10 mx\nmx A 192.0.2.1' })
  t.after(() => internal.stop())
  // It has the root, so that all that it does not know does not exist.
  const outside = await startKnot({ '.': 'example.com. MX 10 mx.example.com.\nmx.example.com. A 192.0.2.2' })
  t.after(() => outside.stop())
  return { internal, outside }
}

const kindOf = async (asked: Resolver, domain: string): Promise<string> => (await asked.mx(domain)).kind

test(
  'dns_servers = internal, public: internal domains are still found after queries for others',
  { skip },
  async (t) => {
    const { internal, outside } = await startTwo(t)
    const strict = testResolver([internal.server, outside.server], {
      cacheSize: 0,
      tuning: { timeoutMs: 2_000 },
    })
    t.after(() => strict.close())
    for (let round = 0; round < 20; round++) {
      assert.equal(await kindOf(strict, 'example.com'), 'mx')
      assert.equal(await kindOf(strict, 'corp.internal'), 'mx')
      assert.equal(await kindOf(strict, 'none.corp.internal'), 'nxdomain')
    }
    assert.deepEqual(
      strict.stats().servers.map(({ queries }) => queries),
      [60, 20],
    )
  },
)

test(
  '[zone:corp.internal]: internal domains are found although the public server is listed first',
  { skip },
  async (t) => {
    const { internal, outside } = await startTwo(t)
    const zoned = testResolver([outside.server], {
      zones: [{ domain: 'corp.internal', servers: [internal.server] }],
      tuning: { timeoutMs: 2_000 },
    })
    t.after(() => zoned.close())
    assert.equal(await kindOf(zoned, 'corp.internal'), 'mx')
    assert.equal(await kindOf(zoned, 'example.com'), 'mx')
    assert.deepEqual(
      zoned.stats().servers.map(({ queries }) => queries),
      [1, 1],
    )
    await internal.stop()
    assert.equal(await kindOf(zoned, 'other.corp.internal'), 'failed', 'the public server has no say')
  },
)
