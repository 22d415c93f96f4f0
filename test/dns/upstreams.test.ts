import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Resolver } from '../../lib/dns/resolver'
import { FakeClock, logged, testResolver, type TestResolverOptions } from '../support/dns-resolver'
import { startScripted, type Script, type ScriptedQuery, type ScriptedServer } from '../support/dns-scripted'
import { aRecord, encodeMessage, FLAGS, mxRecord, RCODES, soaRecord } from '../support/dns-wire'

const good: Script = (query) => query.reply({ answers: [mxRecord(query.name, 10, 'mx.example.com')] })
const silent: Script = () => {}
const servfail: Script = (query) => query.reply({ rcode: RCODES.SERVFAIL })
const slow =
  (milliseconds: number): Script =>
  (query) =>
    setTimeout(() => good(query), milliseconds)

const cutOverUdp: Script = (query) => {
  if (query.transport === 'udp') query.reply({ flags: FLAGS.QR | FLAGS.TC })
}

async function setUp<const S extends readonly Script[]>(
  t: TestContext,
  scripts: S,
  options: TestResolverOptions = {},
): Promise<{ resolver: Resolver; servers: { [K in keyof S]: ScriptedServer } }> {
  const servers = await Promise.all(scripts.map((script) => startScripted(script)))
  const resolver = testResolver(
    servers.map(({ server }) => server),
    { cacheSize: 0, ...options },
  )
  t.after(async () => {
    resolver.close()
    await Promise.all(servers.map((server) => server.stop()))
  })
  return { resolver, servers: servers as unknown as { [K in keyof S]: ScriptedServer } }
}

const kindOf = async (resolver: Resolver, domain: string): Promise<string> => {
  const answer = await resolver.mx(domain)
  return answer.kind === 'failed' ? answer.error.code : answer.kind
}
const counts = (servers: readonly ScriptedServer[]) => servers.map(({ queries }) => queries.length)

for (const [order, asked, failures] of [
  ['strict', [1, 6, 6], [1, 0, 0]],
  // What a server says to a question that another answers counts against it here, or its quick SERVFAIL would keep it first.
  ['fastest', [1, 1, 6], [1, 1, 0]],
] as const) {
  test(`order ${order}: after a dead server and a SERVFAIL the third answers, and the dead one moves last for a while (RFC 1035 7)`, async (t) => {
    const { lines, log } = logged()
    const clock = new FakeClock()
    const { resolver, servers } = await setUp(t, [silent, servfail, good], {
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
  const { resolver, servers } = await setUp(t, [slow(60), good], { tuning: { timeoutMs: 5_000 } })
  for (let i = 0; i < 5; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  assert.deepEqual(counts(servers), [5, 0], 'the second was never asked')
})

test('strict order: a server that refuses foreign names stays first for its own', async (t) => {
  const internal: Script = (query) =>
    query.name.endsWith('corp.internal') ? good(query) : query.reply({ rcode: RCODES.REFUSED })
  const nxdomain: Script = (query) =>
    query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', 60)] })
  const outside: Script = (query) => (query.name.endsWith('.example') ? good(query) : nxdomain(query))
  const { resolver, servers } = await setUp(t, [internal, outside])
  for (let i = 0; i < 3; i++) {
    assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
    assert.equal(await kindOf(resolver, `a${i}.corp.internal`), 'mx')
  }
  assert.deepEqual(counts(servers), [6, 3])
})

test('strict order: REFUSED from a server that was dead shows that it is back', async (t) => {
  const clock = new FakeClock()
  const { resolver, servers } = await setUp(t, [silent, good], { now: clock.now })
  await resolver.mx('a.example')
  assert.equal(resolver.stats().servers[0]!.failures, 1)
  servers[0].script((query) => query.reply({ rcode: RCODES.REFUSED }))
  clock.pass(5)
  await resolver.mx('b.example')
  while (resolver.stats().servers[0]!.failures > 0) await wait(1)
  servers[0].script(good)
  await resolver.mx('c.example')
  assert.deepEqual(counts(servers), [3, 2])
})

test('a dead server is probed in the background, and used again when it answers', async (t) => {
  const { lines, log } = logged()
  const clock = new FakeClock()
  const { resolver, servers } = await setUp(t, [silent, good], { log, now: clock.now })
  await resolver.mx('a.example')
  clock.pass(4.9)
  await resolver.mx('b.example')
  assert.deepEqual(counts(servers), [1, 2])
  clock.pass(0.1)
  await resolver.mx('c.example')
  assert.deepEqual(counts(servers), [2, 3], 'the probe goes beside the real query')
  while (resolver.stats().servers[0]!.failures < 2) await wait(1)
  servers[0].script(good)
  clock.pass(9.9)
  await resolver.mx('d.example')
  assert.deepEqual(counts(servers), [2, 4], 'the penalty has doubled')
  clock.pass(0.1)
  await resolver.mx('e.example')
  while (resolver.stats().servers[0]!.failures > 0) await wait(1)
  await resolver.mx('f.example')
  assert.deepEqual(counts(servers), [4, 5], 'as configured again')
  const dead = `DNS server 127.0.0.1:${servers[0].port}`
  assert.deepEqual(lines, [
    `warn ${dead} did not answer in time, twice in a row`,
    `info ${dead} answers again`,
  ])
})

test('concurrent queries that fail count as one failure', async (t) => {
  const { resolver, servers } = await setUp(t, [silent, good], { now: new FakeClock().now })
  await Promise.all(Array.from({ length: 100 }, (_, i) => resolver.mx(`a${i}.example`)))
  assert.equal(resolver.stats().servers[0]!.failures, 1)
  assert.equal(servers[1].queries.length, 100)
})

test('a name without a reply does not count against a server that answers other names', async (t) => {
  const { resolver, servers } = await setUp(t, [(query) => query.name !== 'dead.example' && good(query)])
  const dead = kindOf(resolver, 'dead.example')
  // Both tries for the dead name are overtaken by an answer to another.
  await servers[0].received(1)
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  await servers[0].received(3)
  assert.equal(await kindOf(resolver, 'b.example'), 'mx')
  assert.equal(await dead, 'ETIMEOUT')
  assert.equal(resolver.stats().servers[0]!.failures, 0)
})

test('a closed port is skipped without waiting for the timeout', async (t) => {
  const { resolver, servers } = await setUp(t, [silent, good], {
    tuning: { timeoutMs: 60_000, deadlineMs: 60_000 },
  })
  await servers[0].stop()
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
})

test('with every port closed the lookup fails at once', async (t) => {
  const { resolver, servers } = await setUp(t, [silent, silent], {
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
    const { resolver, servers } = await setUp(t, [script, good])
    assert.equal(await kindOf(resolver, 'a.example'), 'mx')
    assert.equal(await kindOf(resolver, 'b.example'), 'mx')
    assert.deepEqual(counts(servers), [2, 2], 'the first is asked first again')
  })

  test(`${what} and no better answer is an unproven negative answer, which is not cached`, async (t) => {
    const { resolver, servers } = await setUp(t, [script, servfail, silent], { cacheSize: 100 })
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
  const { resolver, servers } = await setUp(t, [silent, servfail, lame, silent])
  await servers[3].stop()
  const answer = await resolver
    .resolve({ name: 'a.example', type: 'MX' })
    .catch((error: Error) => error.message)
  assert.equal(typeof answer === 'string' ? answer : answer.kind, 'nodata', 'the third counts')
  servers[2].script(silent)
  const [one, two, three, four] = servers.map(({ port }) => `DNS server 127.0.0.1:${port}`)
  await assert.rejects(resolver.resolve({ name: 'b.example', type: 'MX' }), {
    code: 'ECONNREFUSED',
    message:
      `${two} answered SERVFAIL (server failure); ${three} did not answer in time; ` +
      `${one} did not answer in time; ${four} could not be reached (ECONNREFUSED)`,
  })
})

test('statistics of a server: queries and results by type, round trips', async (t) => {
  const { resolver } = await setUp(t, [
    (query) =>
      query.name.startsWith('no')
        ? query.reply({ rcode: RCODES.NXDOMAIN, authorities: [soaRecord('', 60)] })
        : query.name.startsWith('bad')
          ? servfail(query)
          : query.name.startsWith('late')
            ? silent(query)
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
  const { resolver, servers } = await setUp(t, [slow(500), good], {
    tuning: { order: 'fastest', timeoutMs: 5_000 },
  })
  for (let i = 0; i < 10; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  assert.deepEqual(counts(servers), [1, 9])
})

test('a lost datagram is sent again (RFC 1035 4.2.1)', async (t) => {
  const { resolver, servers } = await setUp(t, [
    (query) => {
      if (servers[0].queries.length > 1) good(query)
    },
  ])
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  assert.deepEqual(counts(servers), [2])
})

test('a reply to the first try is accepted after the third was sent', async (t) => {
  const { resolver, servers } = await setUp(t, [good], { tuning: { timeoutMs: 100, tries: 4 } })
  for (let i = 0; i < 20; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  const tries: ScriptedQuery[] = []
  servers[0].script((query) => {
    tries.push(query)
    if (tries.length === 3) good(tries[0]!)
  })
  assert.equal(await kindOf(resolver, 'slow.example'), 'mx')
  assert.ok(tries.length >= 3)
})

test('a slow reply is accepted after fast ones', async (t) => {
  const { resolver, servers } = await setUp(t, [good], {
    tuning: { timeoutMs: 2_000, tries: 2, deadlineMs: 20_000 },
  })
  for (let i = 0; i < 20; i++) await resolver.mx(`a${i}.example`)
  servers[0].script(slow(3_000))
  assert.equal(await kindOf(resolver, 'slow.example'), 'mx')
})

test('after a malformed reply the query is sent again, and the whole answer is used', async (t) => {
  const { resolver, servers } = await setUp(t, [
    (query) => {
      const { id, question, name } = query
      const answers = [mxRecord(name, 10, 'a.example'), mxRecord(name, 20, 'b.example')]
      const bytes = encodeMessage({ id, question, answers })
      query.send(servers[0].queries.length === 1 ? bytes.subarray(0, -3) : bytes)
    },
  ])
  const answer = await resolver.mx('example.com')
  assert.equal(answer.kind === 'mx' && answer.records.length, 2)
  assert.deepEqual(counts(servers), [2])
})

const FAILURES: readonly (readonly [what: string, script: Script, code: string, queries: number])[] = [
  ['SERVFAIL', servfail, 'ESERVFAIL', 1],
  ['REFUSED', (query) => query.reply({ rcode: RCODES.REFUSED }), 'EREFUSED', 1],
  [
    'malformed',
    ({ send, id, question }) => send(encodeMessage({ id, question, counts: [1, 5, 0, 0] })),
    'EBADRESP',
    2,
  ],
  ['silence', silent, 'ETIMEOUT', 2],
]

for (const [what, script, code, queries] of FAILURES) {
  test(`${what} from the only server: ${code} after ${queries} queries`, async (t) => {
    const { resolver, servers } = await setUp(t, [script])
    assert.equal(await kindOf(resolver, 'a.example'), code)
    assert.deepEqual(counts(servers), [queries])
  })
}

test('a dead server is skipped even if the timeout of one try is as long as the deadline', async (t) => {
  const { resolver, servers } = await setUp(t, [silent, good], {
    tuning: { timeoutMs: 400, deadlineMs: 400 },
  })
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  assert.equal(await kindOf(resolver, 'b.example'), 'mx')
  assert.deepEqual(counts(servers), [1, 2])
})

test('DNS over TLS: a kept connection that no longer answers costs one try', async (t) => {
  const fixture = (name: string) => readFileSync(join('test', 'fixtures', 'tls', name))
  const server = await startScripted(
    (query) => {
      if (server.queries.length === 1 || server.connections.ever > 1) good(query)
    },
    { tls: { key: fixture('server.key'), cert: fixture('server.pem') } },
  )
  const resolver = testResolver([server.server], { ca: fixture('ca.pem').toString() })
  t.after(async () => {
    resolver.close()
    await server.stop()
  })
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  assert.equal(await kindOf(resolver, 'b.example'), 'mx')
  assert.equal(server.connections.ever, 2)
  assert.equal(server.queries.length, 3)
})

test('the overall deadline holds, whichever step hangs', async (t) => {
  const { resolver, servers } = await setUp(t, [cutOverUdp, silent], {
    tuning: { timeoutMs: 10_000, tries: 5, deadlineMs: 300 },
  })
  const started = performance.now()
  assert.equal(await kindOf(resolver, 'a.example'), 'ETIMEOUT')
  const took = performance.now() - started
  assert.ok(took >= 295 && took < 2_000, `${took} ms`)
  while (servers[0].connections.open > 0) await wait(1)
})

test('of 2000 concurrent names at most 150 are in flight, and none fails', async (t) => {
  let most = 0
  const held: ScriptedQuery[] = []
  const answerAll = () => {
    most = Math.max(most, held.length)
    for (const query of held.splice(0)) good(query)
  }
  // Answers when no more queries come: what is held then is what the resolver has in flight.
  let timer: NodeJS.Timeout | undefined
  const { resolver, servers } = await setUp(
    t,
    [
      (query) => {
        held.push(query)
        clearTimeout(timer)
        timer = setTimeout(answerAll, 50)
      },
    ],
    { tuning: { timeoutMs: 5_000, deadlineMs: 30_000 } },
  )
  const kinds = await Promise.all(Array.from({ length: 2000 }, (_, i) => kindOf(resolver, `n${i}.example`)))
  assert.deepEqual(new Set(kinds), new Set(['mx']))
  assert.equal(most, 150)
  assert.deepEqual(counts(servers), [2000])
})
