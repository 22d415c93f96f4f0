import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, logged, TEST_TUNING } from '../support/dns-resolver'
import { type Script } from '../support/dns-scripted'
import { aRecord, FLAGS, RCODES, soaRecord } from '../support/dns-wire'
import {
  good,
  silent,
  servfail,
  slow,
  timingOut,
  resolverWithServers,
  kindOf,
  counts,
} from '../support/dns-many-servers'
import { stopTime } from '../support/stopped-time'
import { until } from '../support/until'

for (const [order, asked, failures] of [
  ['strict', [1, 6, 6], [1, 0, 0]],
  // What a server says to a question that another answers counts against it here, or its quick SERVFAIL would keep it first.
  ['fastest', [1, 1, 6], [1, 1, 0]],
] as const) {
  test(`order ${order}: after a dead server and a SERVFAIL the third answers, and the dead one moves last for a while (RFC 1035 7)`, async (t) => {
    const { lines, log } = logged()
    const clock = new FakeClock()
    const dead = timingOut(stopTime(t))
    const { resolver, servers } = await resolverWithServers(t, [dead, servfail, good], {
      log,
      now: clock.now,
      tuning: { order },
    })
    const answer = await resolver.mx('a.example')
    assert.equal(answer.kind === 'mx' && answer.server, `127.0.0.1:${servers[2].port}`)
    assert.deepEqual(counts(servers), [1, 1, 1])
    for (let i = 0; i < 5; i++) assert.equal(await kindOf(resolver, `b${i}.example`), 'mx')
    assert.deepEqual(counts(servers), asked)
    assert.deepEqual(
      resolver.stats().servers.map((server) => server.failures),
      failures,
    )
    assert.deepEqual(
      resolver.stats().servers.map(({ queries }) => queries),
      asked,
    )
    assert.deepEqual(lines, [], 'a first failure is not logged')
  })
}

test('strict order: the first server that answers is used, even if others are faster', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [slow(60), good])
  for (let i = 0; i < 5; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  assert.deepEqual(counts(servers), [5, 0], 'the second was never asked')
})

test('strict order: a server that refuses foreign names stays first for its own', async (t) => {
  const internal: Script = (query) =>
    query.name.endsWith('corp.internal') ? good(query) : query.reply({ rcode: RCODES.REFUSED })
  const nxdomain: Script = (query) =>
    query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', 60)] })
  const outside: Script = (query) => (query.name.endsWith('.example') ? good(query) : nxdomain(query))
  const { resolver, servers } = await resolverWithServers(t, [internal, outside])
  for (let i = 0; i < 3; i++) {
    assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
    assert.equal(await kindOf(resolver, `a${i}.corp.internal`), 'mx')
  }
  assert.deepEqual(counts(servers), [6, 3])
})

test('strict order: REFUSED from a server that was dead shows that it is back', async (t) => {
  const clock = new FakeClock()
  const dead = timingOut(stopTime(t))
  const { resolver, servers } = await resolverWithServers(t, [dead, good], { now: clock.now })
  await resolver.mx('a.example')
  assert.equal(resolver.stats().servers[0]!.failures, 1)
  servers[0].script((query) => query.reply({ rcode: RCODES.REFUSED }))
  clock.pass(5)
  await resolver.mx('b.example')
  await until(() => resolver.stats().servers[0]!.failures === 0, 'its return')
  servers[0].script(good)
  await resolver.mx('c.example')
  assert.deepEqual(counts(servers), [3, 2])
})

test('a dead server is probed in the background, and used again when it answers', async (t) => {
  const { lines, log } = logged()
  const clock = new FakeClock()
  const { resolver, servers } = await resolverWithServers(t, [silent, good], { log, now: clock.now })
  const pass = stopTime(t)
  const first = resolver.mx('a.example')
  await servers[0].received(1)
  pass(TEST_TUNING.timeoutMs)
  await first
  clock.pass(4.9)
  await resolver.mx('b.example')
  assert.deepEqual(counts(servers), [1, 2])
  clock.pass(0.1)
  await resolver.mx('c.example')
  await servers[0].received(2)
  assert.deepEqual(counts(servers), [2, 3], 'the probe goes beside the real query')
  pass(TEST_TUNING.timeoutMs)
  assert.equal(resolver.stats().servers[0]!.failures, 2)
  servers[0].script(good)
  clock.pass(9.9)
  await resolver.mx('d.example')
  assert.deepEqual(counts(servers), [2, 4], 'the penalty has doubled')
  clock.pass(0.1)
  await resolver.mx('e.example')
  await until(() => resolver.stats().servers[0]!.failures === 0, 'its return')
  await resolver.mx('f.example')
  assert.deepEqual(counts(servers), [4, 5], 'as configured again')
  const dead = `DNS server 127.0.0.1:${servers[0].port}`
  assert.deepEqual(lines, [
    `warn ${dead} did not answer in time, twice in a row`,
    `info ${dead} answers again`,
  ])
})

test('concurrent queries that fail count as one failure', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [silent, good], { now: new FakeClock().now })
  const pass = stopTime(t)
  const all = Promise.all(Array.from({ length: 100 }, (_, i) => resolver.mx(`a${i}.example`)))
  await servers[0].received(100)
  pass(TEST_TUNING.timeoutMs)
  await all
  assert.equal(resolver.stats().servers[0]!.failures, 1)
  assert.equal(servers[1].queries.length, 100)
})

test('a name without a reply does not count against a server that answers other names', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [
    (query) => query.name !== 'dead.example' && good(query),
  ])
  const pass = stopTime(t)
  const dead = kindOf(resolver, 'dead.example')
  // Both tries for the dead name are overtaken by an answer to another.
  await servers[0].received(1)
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  pass(TEST_TUNING.timeoutMs)
  await servers[0].received(3)
  assert.equal(await kindOf(resolver, 'b.example'), 'mx')
  pass(TEST_TUNING.timeoutMs)
  assert.equal(await dead, 'ETIMEOUT')
  assert.equal(resolver.stats().servers[0]!.failures, 0)
})

test('a closed port is skipped without waiting for the timeout', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [silent, good], {
    tuning: { timeoutMs: 60_000, deadlineMs: 60_000 },
  })
  await servers[0].stop()
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
})

test('with every port closed the lookup fails at once', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [silent, silent], {
    tuning: { timeoutMs: 60_000, deadlineMs: 60_000 },
  })
  await Promise.all(servers.map((server) => server.stop()))
  assert.equal(await kindOf(resolver, 'a.example'), 'ECONNREFUSED')
})

const lame: Script = (query) => query.reply({ flags: FLAGS.QR })

const addressForMx: Script = (query) => query.reply({ answers: [aRecord(query.name, '192.0.2.1')] })

for (const [what, script] of [
  ['an empty answer without SOA and recursion', lame],
  ['an address as the answer to MX', addressForMx],
] as const) {
  test(`${what} makes the resolver ask the next server`, async (t) => {
    const { resolver, servers } = await resolverWithServers(t, [script, good])
    assert.equal(await kindOf(resolver, 'a.example'), 'mx')
    assert.equal(await kindOf(resolver, 'b.example'), 'mx')
    assert.deepEqual(counts(servers), [2, 2], 'the first is asked first again')
  })

  test(`${what} and no better answer is an unproven negative answer, which is not cached`, async (t) => {
    const dead = timingOut(stopTime(t))
    const { resolver, servers } = await resolverWithServers(t, [script, servfail, dead], { cacheSize: 100 })
    const answer = await resolver.mx('a.example')
    assert.deepEqual(answer.kind === 'nodata' && [answer.proven, answer.server, answer.ttlSeconds], [
      false,
      `127.0.0.1:${servers[0].port}`,
      0,
    ])
    assert.deepEqual(counts(servers), [1, 1, 1], 'one round')
    await resolver.mx('a.example')
    assert.equal(servers[0].queries.length, 2)
  })
}

test('a failure lists what each server did', async (t) => {
  const dead = timingOut(stopTime(t))
  const { resolver, servers } = await resolverWithServers(t, [dead, servfail, lame, dead])
  await servers[3].stop()
  const answer = await resolver
    .resolve({ name: 'a.example', type: 'MX' })
    .catch((error: Error) => error.message)
  assert.equal(typeof answer === 'string' ? answer : answer.kind, 'nodata', 'the third counts')
  servers[2].script(dead)
  const [one, two, three, four] = servers.map(({ port }) => `DNS server 127.0.0.1:${port}`)
  await assert.rejects(resolver.resolve({ name: 'b.example', type: 'MX' }), {
    code: 'ECONNREFUSED',
    message:
      `${two} answered SERVFAIL (server failure); ${three} did not answer in time; ` +
      `${one} did not answer in time; ${four} could not be reached (ECONNREFUSED)`,
  })
})

test('statistics of a server: queries and results by type, round trips', async (t) => {
  const dead = timingOut(stopTime(t))
  const { resolver } = await resolverWithServers(t, [
    (query) =>
      query.name.startsWith('no')
        ? query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', 60)] })
        : query.name.startsWith('bad')
          ? servfail(query)
          : query.name.startsWith('late')
            ? dead(query)
            : good(query),
  ])
  for (const domain of ['a.example', 'no.example', 'no2.example', 'bad.example', 'late.example']) {
    await resolver.mx(domain)
  }
  await resolver.resolve({ name: 'no.example', type: 'AAAA' })
  const { servers, failures, queries, misses } = resolver.stats()
  assert.deepEqual(servers[0]!.results, {
    MX: { NOERROR: 1, NXDOMAIN: 2, ESERVFAIL: 1, ETIMEOUT: 2 },
    A: {},
    AAAA: { NXDOMAIN: 1 },
  })
  assert.equal(servers[0]!.latency.count, 4)
  assert.ok(servers[0]!.latency.sumMs > 0)
  assert.deepEqual(
    { failures, queries, misses },
    { failures: { ESERVFAIL: 1, ETIMEOUT: 1 }, queries: 7, misses: 6 },
  )
})

test('order fastest: the server with the shortest round trip is preferred', async (t) => {
  const clock = new FakeClock()
  const late: Script = (query) => {
    clock.pass(0.5)
    good(query)
  }
  const { resolver, servers } = await resolverWithServers(t, [late, good], {
    now: clock.now,
    tuning: { order: 'fastest' },
  })
  for (let i = 0; i < 10; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  assert.deepEqual(counts(servers), [1, 9])
})

test('a dead server is skipped even if the timeout of one try is as long as the deadline', async (t) => {
  const dead = timingOut(stopTime(t), 200)
  const { resolver, servers } = await resolverWithServers(t, [dead, good], {
    tuning: { timeoutMs: 400, deadlineMs: 400 },
  })
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  assert.equal(await kindOf(resolver, 'b.example'), 'mx')
  assert.deepEqual(counts(servers), [1, 2])
})
