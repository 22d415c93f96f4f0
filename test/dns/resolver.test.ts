import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock, testResolver } from '../support/dns-resolver'
import { startZone, a, mx } from '../support/dns-scripted'
import { aRecord, cnameRecord, mxRecord } from '../support/dns-wire'
import { resolverWithServer, answering, servfail, MX, codeOf } from '../support/dns-one-server'
import { stopTime } from '../support/stopped-time'

test('an answer is fresh once, then cached, with the remaining TTL', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, answering(300))
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
  const { resolver, server } = await resolverWithServer(t, answering(0))
  const answers = await Promise.all(Array.from({ length: 10 }, () => resolver.resolve(MX)))
  for (const answer of answers) assert.equal(answer.kind, 'records')
  assert.equal(server.queries.length, 1)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

test('a TTL of 2^32-1 is capped (RFC 8767 4)', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, answering(2 ** 32 - 1))
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 86_400)
  clock.pass(86_399)
  assert.equal((await resolver.resolve(MX)).how, 'cached')
  clock.pass(1)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

test('a minimum TTL can be set', async (t) => {
  const { resolver } = await resolverWithServer(t, answering(5), { tuning: { minTtlSeconds: 30 } })
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 30)
})

test('the cache is bounded, and drops the least recently used entry first', async (t) => {
  const { resolver, server } = await resolverWithServer(t, answering(300), { cacheSize: 3 })
  for (const name of ['a.x', 'b.x', 'c.x', 'a.x', 'd.x']) await resolver.resolve({ name, type: 'MX' })
  assert.equal(resolver.stats().entries, 3)
  assert.deepEqual(
    [...resolver.cached()].map(({ name }) => name),
    ['d.x', 'a.x', 'c.x'],
  )
  assert.equal(server.queries.length, 4)
})

test('1000 concurrent lookups of one name are one query (RFC 1035 7)', async (t) => {
  const { resolver, server } = await resolverWithServer(t, (query) =>
    setTimeout(() => answering(300)(query), 20),
  )
  const answers = await Promise.all(Array.from({ length: 1000 }, () => resolver.mx('example.com')))
  assert.ok(answers.every(({ kind }) => kind === 'mx'))
  assert.equal(server.queries.length, 1)
})

test('all callers that joined a lookup get its error', async (t) => {
  const { resolver, server } = await resolverWithServer(t, servfail)
  const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(resolver.resolve(MX))))
  assert.deepEqual(new Set(codes), new Set(['ESERVFAIL']))
  assert.equal(server.queries.length, 1)
})

test('waiting for a free query slot ends at the deadline, and is not cached as a failure', async (t) => {
  const { resolver, server } = await resolverWithServer(t, () => {}, {
    tuning: { maxInFlight: 1, deadlineMs: 600 },
  })
  const pass = stopTime(t)
  const first = codeOf(resolver.resolve({ name: 'a.example', type: 'MX' }))
  const second = codeOf(resolver.resolve({ name: 'b.example', type: 'MX' }))
  await server.received(1)
  pass(600)
  assert.deepEqual(await Promise.all([first, second]), ['ETIMEOUT', 'ETIMEOUT'])
  const { inFlight, queued } = resolver.stats()
  assert.deepEqual({ inFlight, queued }, { inFlight: 0, queued: 0 })
  server.script(answering(1))
  assert.equal((await resolver.resolve({ name: 'b.example', type: 'MX' })).kind, 'records')
  assert.equal(await codeOf(resolver.resolve({ name: 'a.example', type: 'MX' })), 'ETIMEOUT', 'remembered')
})

test('cache keys are lower case (RFC 4343)', async (t) => {
  const { resolver, server } = await resolverWithServer(t, answering(300))
  for (const name of ['Example.COM', 'example.com.', 'EXAMPLE.com']) await resolver.mx(name)
  assert.deepEqual(
    server.queries.map(({ name }) => name),
    ['example.com'],
  )
  assert.equal(await codeOf(resolver.resolve({ name: 'a..b', type: 'A' })), 'EBADNAME')
})

test('a CNAME target without records in the reply is queried, at most 8 times', async (t) => {
  const { resolver, server } = await resolverWithServer(t, (query) => {
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
  const { resolver } = await resolverWithServer(t, (query) => {
    query.reply({ answers: [cnameRecord(query.name, query.name === 'a.x' ? 'b.x' : 'a.x')] })
  })
  assert.equal(await codeOf(resolver.resolve({ name: 'a.x', type: 'A' })), 'EBADRESP')
})

test('an MX set without a usable host name is a failure, and is not cached as an answer', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, (query) =>
    query.reply({ answers: [mxRecord(query.name, 10, '192.0.2.1', 3_600)] }),
  )
  assert.equal(await codeOf(resolver.resolve(MX)), 'EBADMX')
  assert.deepEqual([...resolver.cached()], [])
  clock.pass(1)
  server.script(answering(60))
  assert.equal((await resolver.resolve(MX)).kind, 'records', 'asked again as soon as a failure may be')
})

test('a null MX is cached as a kind of its own (RFC 7505)', async (t) => {
  const { resolver, server } = await resolverWithServer(t, (query) =>
    query.reply({ answers: [mxRecord(query.name, 0, '')] }),
  )
  for (const how of ['fresh', 'cached']) {
    const answer = await resolver.resolve(MX)
    assert.deepEqual([answer.kind, answer.how], ['nullmx', how])
  }
  assert.equal(server.queries.length, 1)
})

test('the cache can be listed and flushed', async (t) => {
  const { resolver, server } = await resolverWithServer(t, answering(300))
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
  const { resolver, server } = await resolverWithServer(t, answering(300), { cacheSize: 0 })
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
  const { resolver, server } = await resolverWithServer(t, () => {})
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
