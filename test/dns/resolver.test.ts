import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Resolver } from '../../lib/dns/resolver'
import { ResolveError } from '../../lib/model/errors'
import { FakeClock, testResolver, type TestResolverOptions } from '../support/dns-resolver'
import { startScripted, startZone, a, mx, type Script, type ScriptedServer } from '../support/dns-scripted'
import { aRecord, cnameRecord, mxRecord, RCODES, soaRecord } from '../support/dns-wire'

async function setUp(
  t: TestContext,
  script: Script,
  options: TestResolverOptions = {},
): Promise<{ resolver: Resolver; server: ScriptedServer; clock: FakeClock }> {
  const server = await startScripted(script)
  const clock = new FakeClock()
  const resolver = testResolver([server.server], { now: clock.now, ...options })
  t.after(async () => {
    resolver.close()
    await server.stop()
  })
  return { resolver, server, clock }
}

const answering =
  (ttl: number): Script =>
  (query) =>
    query.reply({ answers: [mxRecord(query.name, 10, 'mx.example.com', ttl)] })
const servfail: Script = (query) => query.reply({ rcode: RCODES.SERVFAIL })
const nxdomain =
  (ttl: number, minimum: number): Script =>
  (query) =>
    query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', minimum, ttl)] })

const MX = { name: 'example.com', type: 'MX' } as const

async function codeOf(lookup: Promise<unknown>): Promise<string> {
  const error = await lookup.then(
    () => assert.fail('no error'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ResolveError)
  return error.code
}

test('an answer is fresh once, then cached, with the remaining TTL', async (t) => {
  const { resolver, server, clock } = await setUp(t, answering(300))
  const fresh = await resolver.resolve(MX)
  assert.deepEqual(fresh, {
    kind: 'records',
    records: [{ priority: 10, exchange: 'mx.example.com' }],
    how: 'fresh',
    server: `127.0.0.1:${server.port}`,
    ttlSeconds: 300,
  })
  clock.pass(120.5)
  assert.deepEqual(await resolver.resolve(MX), { ...fresh, how: 'cached', ttlSeconds: 180 })
  clock.pass(179.5)
  assert.equal((await resolver.resolve(MX)).how, 'fresh')
  assert.equal(server.queries.length, 2)
  const { hits, misses, entries, queries } = resolver.stats()
  assert.deepEqual({ hits, misses, entries, queries }, { hits: 1, misses: 2, entries: 1, queries: 2 })
})

test('an answer of TTL 0 is shared by concurrent callers, and not cached (RFC 2181 8)', async (t) => {
  const { resolver, server } = await setUp(t, answering(0))
  const answers = await Promise.all(Array.from({ length: 10 }, () => resolver.resolve(MX)))
  for (const answer of answers) assert.equal(answer.kind, 'records')
  assert.equal(server.queries.length, 1)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

test('a TTL of 2^32-1 is capped (RFC 8767 4)', async (t) => {
  const { resolver, server, clock } = await setUp(t, answering(2 ** 32 - 1))
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 86_400)
  clock.pass(86_399)
  assert.equal((await resolver.resolve(MX)).how, 'cached')
  clock.pass(1)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

test('a minimum TTL can be set', async (t) => {
  const { resolver } = await setUp(t, answering(5), { tuning: { minTtlSeconds: 30 } })
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 30)
})

test('the cache is bounded, and drops the least recently used entry first', async (t) => {
  const { resolver, server } = await setUp(t, answering(300), { cacheSize: 3 })
  for (const name of ['a.x', 'b.x', 'c.x', 'a.x', 'd.x']) await resolver.resolve({ name, type: 'MX' })
  assert.equal(resolver.stats().entries, 3)
  assert.deepEqual(
    [...resolver.cached()].map(({ name }) => name),
    ['d.x', 'a.x', 'c.x'],
  )
  assert.equal(server.queries.length, 4)
})

test('a negative answer is cached for the smaller of SOA TTL and minimum (RFC 2308 5)', async (t) => {
  const { resolver, server, clock } = await setUp(t, nxdomain(300, 60))
  const { kind, ttlSeconds } = await resolver.resolve(MX)
  assert.deepEqual({ kind, ttlSeconds }, { kind: 'nxdomain', ttlSeconds: 60 })
  clock.pass(59)
  assert.equal((await resolver.resolve(MX)).how, 'cached')
  assert.equal(server.queries.length, 1)
  clock.pass(1)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

test('the TTL of a negative answer is capped', async (t) => {
  const { resolver } = await setUp(t, nxdomain(100_000, 100_000))
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 3_600)
})

test('a negative answer without SOA is not cached (RFC 2308 5)', async (t) => {
  const { resolver, server } = await setUp(t, (query) => query.reply({ rcode: RCODES.NXDOMAIN }))
  await resolver.resolve(MX)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

for (const [what, script, code] of [
  ['SERVFAIL', servfail, 'ESERVFAIL'],
  ['a timeout', () => {}, 'ETIMEOUT'],
] as const) {
  test(`${what} is cached for 1 s, then longer (RFC 9520 3.2)`, async (t) => {
    const { resolver, server, clock } = await setUp(t, script, {
      tuning: { timeoutMs: code === 'ETIMEOUT' ? 20 : 5_000, tries: 1 },
    })
    for (const [pass, queries] of [
      [0, 1],
      [0.9, 1],
      [0.1, 2],
      [1.9, 2],
      [0.1, 3],
      [3.9, 3],
      [0.1, 4],
    ] as const) {
      clock.pass(pass)
      assert.equal(await codeOf(resolver.resolve(MX)), code)
      // On a busy machine a query may arrive after the resolver has given it up.
      await server.received(queries)
      assert.equal(server.queries.length, queries)
    }
  })
}

test('an answer resets the time for which a failure is cached', async (t) => {
  const { resolver, server, clock } = await setUp(t, servfail)
  await codeOf(resolver.resolve(MX))
  clock.pass(1)
  server.script(answering(1))
  await resolver.resolve(MX)
  clock.pass(1)
  server.script(servfail)
  await codeOf(resolver.resolve(MX))
  clock.pass(1)
  await codeOf(resolver.resolve(MX))
  assert.equal(server.queries.length, 4, 'again 1 s')
})

test('1000 concurrent lookups of one name are one query (RFC 1035 7)', async (t) => {
  const { resolver, server } = await setUp(t, (query) => setTimeout(() => answering(300)(query), 20), {
    tuning: { timeoutMs: 5_000 },
  })
  const answers = await Promise.all(Array.from({ length: 1000 }, () => resolver.mx('example.com')))
  assert.ok(answers.every(({ kind }) => kind === 'mx'))
  assert.equal(server.queries.length, 1)
})

test('all callers that joined a lookup get its error', async (t) => {
  const { resolver, server } = await setUp(t, servfail)
  const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(resolver.resolve(MX))))
  assert.deepEqual(new Set(codes), new Set(['ESERVFAIL']))
  assert.equal(server.queries.length, 1)
})

test('waiting for a free query slot ends at the deadline, and is not cached as a failure', async (t) => {
  const { resolver, server } = await setUp(t, () => {}, {
    tuning: { maxInFlight: 1, timeoutMs: 10_000, deadlineMs: 100 },
  })
  const first = codeOf(resolver.resolve({ name: 'a.example', type: 'MX' }))
  const second = codeOf(resolver.resolve({ name: 'b.example', type: 'MX' }))
  assert.deepEqual(await Promise.all([first, second]), ['ETIMEOUT', 'ETIMEOUT'])
  const { inFlight, queued } = resolver.stats()
  assert.deepEqual({ inFlight, queued }, { inFlight: 0, queued: 0 })
  server.script(answering(1))
  assert.equal((await resolver.resolve({ name: 'b.example', type: 'MX' })).kind, 'records')
  assert.equal(await codeOf(resolver.resolve({ name: 'a.example', type: 'MX' })), 'ETIMEOUT', 'remembered')
})

test('cache keys are lower case (RFC 4343)', async (t) => {
  const { resolver, server } = await setUp(t, answering(300))
  for (const name of ['Example.COM', 'example.com.', 'EXAMPLE.com']) await resolver.mx(name)
  assert.deepEqual(
    server.queries.map(({ name }) => name),
    ['example.com'],
  )
  assert.equal(await codeOf(resolver.resolve({ name: 'a..b', type: 'A' })), 'EBADNAME')
})

test('a CNAME target without records in the reply is queried, at most 8 times', async (t) => {
  const { resolver, server } = await setUp(t, (query) => {
    const step = Number(/^c(\d+)/.exec(query.name)![1])
    if (step === 0) query.reply({ answers: [aRecord(query.name, '192.0.2.1', 100)] })
    else query.reply({ answers: [cnameRecord(query.name, `c${step - 1}.x`, 50)] })
  })
  const answer = await resolver.resolve({ name: 'c8.x', type: 'A' })
  assert.deepEqual(answer.kind === 'records' && answer.records, ['192.0.2.1'])
  assert.equal(answer.ttlSeconds, 50)
  assert.equal(server.queries.length, 9)
  assert.equal(await codeOf(resolver.resolve({ name: 'c9.x', type: 'A' })), 'EBADRESP')
})

test('a CNAME loop over several replies is a failure', async (t) => {
  const { resolver } = await setUp(t, (query) => {
    query.reply({ answers: [cnameRecord(query.name, query.name === 'a.x' ? 'b.x' : 'a.x')] })
  })
  assert.equal(await codeOf(resolver.resolve({ name: 'a.x', type: 'A' })), 'EBADRESP')
})

test('serve-stale answers when no server does, for a while, and is off by default (RFC 8767)', async (t) => {
  for (const serveStale of [0, 100]) {
    const { resolver, server, clock } = await setUp(t, answering(10), {
      tuning: { serveStaleSeconds: serveStale },
    })
    await resolver.resolve(MX)
    server.script(servfail)
    clock.pass(11)
    if (serveStale === 0) {
      assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
      continue
    }
    const { how, ttlSeconds, kind } = await resolver.resolve(MX)
    assert.deepEqual({ how, ttlSeconds, kind }, { how: 'stale', ttlSeconds: 0, kind: 'records' })
    assert.equal((await resolver.resolve(MX)).how, 'stale')
    assert.equal(server.queries.length, 2, 'the servers are left alone while the failure is remembered')
    clock.pass(100)
    assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
    server.script(answering(10))
    clock.pass(300)
    assert.equal((await resolver.resolve(MX)).how, 'fresh')
  }
})

test('serve-stale never serves a negative answer', async (t) => {
  const { resolver, server, clock } = await setUp(t, nxdomain(10, 10), { tuning: { serveStaleSeconds: 100 } })
  await resolver.resolve(MX)
  server.script(servfail)
  clock.pass(11)
  assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
})

test('serve-stale: NXDOMAIN replaces the records, which are not served again', async (t) => {
  const { resolver, server, clock } = await setUp(t, answering(10), { tuning: { serveStaleSeconds: 1_000 } })
  await resolver.resolve(MX)
  clock.pass(11)
  server.script(nxdomain(10, 10))
  assert.equal((await resolver.resolve(MX)).kind, 'nxdomain')
  clock.pass(11)
  server.script(servfail)
  assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
})

test('an MX set without a usable host name is a failure, and is not cached as an answer', async (t) => {
  const { resolver, server, clock } = await setUp(t, (query) =>
    query.reply({ answers: [mxRecord(query.name, 10, '192.0.2.1', 3_600)] }),
  )
  assert.equal(await codeOf(resolver.resolve(MX)), 'EBADMX')
  assert.deepEqual([...resolver.cached()], [])
  clock.pass(1)
  server.script(answering(60))
  assert.equal((await resolver.resolve(MX)).kind, 'records', 'asked again as soon as a failure may be')
})

test('a null MX is cached as a kind of its own (RFC 7505)', async (t) => {
  const { resolver, server } = await setUp(t, (query) =>
    query.reply({ answers: [mxRecord(query.name, 0, '')] }),
  )
  for (const how of ['fresh', 'cached']) {
    const answer = await resolver.resolve(MX)
    assert.deepEqual([answer.kind, answer.how], ['nullmx', how])
  }
  assert.equal(server.queries.length, 1)
})

test('an entry near its end is refreshed once in the background', async (t) => {
  const { resolver, server, clock } = await setUp(t, answering(100), { tuning: { prefetchPercent: 10 } })
  await resolver.resolve(MX)
  clock.pass(89)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 1)
  clock.pass(2)
  for (let i = 0; i < 5; i++) assert.equal((await resolver.resolve(MX)).how, 'cached')
  while (resolver.stats().inFlight > 0) await wait(1)
  assert.equal(server.queries.length, 2)
  clock.pass(50)
  const { how, ttlSeconds } = await resolver.resolve(MX)
  assert.deepEqual({ how, ttlSeconds }, { how: 'cached', ttlSeconds: 50 })
})

test('a failed background refresh leaves the entry, and is not repeated at every hit', async (t) => {
  const { resolver, server, clock } = await setUp(t, answering(100), { tuning: { prefetchPercent: 10 } })
  await resolver.resolve(MX)
  server.script(servfail)
  clock.pass(95)
  for (let i = 0; i < 5; i++) {
    assert.equal((await resolver.resolve(MX)).how, 'cached')
    while (resolver.stats().inFlight > 0) await wait(1)
  }
  assert.equal(server.queries.length, 2)
})

test('the cache can be listed and flushed', async (t) => {
  const { resolver, server } = await setUp(t, answering(300))
  await resolver.mx('example.com')
  await resolver.mx('example.org')
  assert.deepEqual([...resolver.cached()].at(-1), {
    name: 'example.com',
    type: 'MX',
    content: { kind: 'records', records: [{ priority: 10, exchange: 'mx.example.com' }] },
    server: `127.0.0.1:${server.port}`,
    ttlSeconds: 300,
  })
  resolver.flush('Example.com.')
  assert.deepEqual(
    [...resolver.cached()].map(({ name }) => name),
    ['example.org'],
  )
  resolver.flush()
  assert.equal(resolver.stats().entries, 0)
})

test('with cache size 0 lookups are still joined', async (t) => {
  const { resolver, server } = await setUp(t, answering(300), { cacheSize: 0 })
  await Promise.all([resolver.mx('a.x'), resolver.mx('a.x')])
  assert.equal(server.queries.length, 1)
  await resolver.mx('a.x')
  assert.equal(server.queries.length, 2)
})

test('without servers in the settings those of resolv.conf are used, and followed when it changes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'))
  const one = await startZone({ 'example.com': [mx(10, 'one.example')] })
  const two = await startZone({ 'example.com': [mx(10, 'two.example')] })
  const path = join(folder, 'resolv.conf')
  const clock = new FakeClock()
  writeFileSync(path, `nameserver 127.0.0.1:${one.port}\n`)
  const resolver = testResolver([], { resolvConf: path, cacheSize: 0, now: clock.now })
  t.after(async () => {
    resolver.close()
    await Promise.all([one.stop(), two.stop()])
    rmSync(folder, { recursive: true })
  })
  const exchange = async () => {
    const answer = await resolver.mx('example.com')
    return answer.kind === 'mx' ? answer.records[0]!.exchange : answer.kind
  }
  assert.equal(await exchange(), 'one.example')
  writeFileSync(path, `# changed\nnameserver 127.0.0.1:${two.port}\n`)
  clock.pass(2)
  assert.equal(await exchange(), 'two.example')
  assert.deepEqual(
    resolver.stats().servers.map(({ server }) => server),
    [`127.0.0.1:${two.port}`],
  )
})

test('after close new lookups fail at once, and pending ones end', async (t) => {
  const { resolver, server } = await setUp(t, () => {})
  const waiting = codeOf(resolver.resolve(MX))
  await server.received(1)
  resolver.close()
  assert.equal(await waiting, 'ECANCELLED')
  assert.equal(await codeOf(resolver.resolve({ name: 'a.x', type: 'A' })), 'ECANCELLED')
  const answer = await resolver.mx('b.x')
  assert.equal(answer.kind === 'failed' && answer.error.code, 'ECANCELLED')
})

test('startZone answers from its table', async (t) => {
  const zone = await startZone({ 'example.com': [a('192.0.2.1')] })
  const resolver = testResolver([zone.server])
  t.after(async () => {
    resolver.close()
    await zone.stop()
  })
  assert.equal((await resolver.resolve({ name: 'example.com', type: 'A' })).kind, 'records')
  assert.equal((await resolver.resolve(MX)).kind, 'nodata')
  assert.deepEqual(zone.asked, ['A example.com', 'MX example.com'])
})
