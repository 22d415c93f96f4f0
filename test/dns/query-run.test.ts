import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testResolver } from '../support/dns-resolver'
import { startScripted, type Script, type ScriptedQuery } from '../support/dns-scripted'
import { encodeMessage, mxRecord, RCODES } from '../support/dns-wire'
import {
  good,
  silent,
  servfail,
  timingOut,
  cutOverUdp,
  resolverWithServers,
  kindOf,
  counts,
} from '../support/dns-many-servers'
import { stopTime } from '../support/stopped-time'
import { until } from '../support/until'

test('a lost datagram is sent again (RFC 1035 4.2.1)', async (t) => {
  const lost = timingOut(stopTime(t))
  const { resolver, servers } = await resolverWithServers(t, [
    (query) => (servers[0].queries.length > 1 ? good : lost)(query),
  ])
  assert.equal(await kindOf(resolver, 'a.example'), 'mx')
  assert.deepEqual(counts(servers), [2])
})

test('a reply to the first try is accepted after the third was sent', async (t) => {
  const lost = timingOut(stopTime(t))
  const { resolver, servers } = await resolverWithServers(t, [good], { tuning: { tries: 4 } })
  for (let i = 0; i < 20; i++) assert.equal(await kindOf(resolver, `a${i}.example`), 'mx')
  const tries: ScriptedQuery[] = []
  servers[0].script((query) => {
    tries.push(query)
    if (tries.length === 3) good(tries[0]!)
    else lost(query)
  })
  assert.equal(await kindOf(resolver, 'slow.example'), 'mx')
  assert.equal(tries.length, 3)
})

test('a slow reply is accepted after fast ones', async (t) => {
  const lost = timingOut(stopTime(t))
  const { resolver, servers } = await resolverWithServers(t, [good])
  for (let i = 0; i < 20; i++) await resolver.mx(`a${i}.example`)
  servers[0].script((query) => {
    lost(query)
    servers[0].script(silent)
    good(query)
  })
  assert.equal(await kindOf(resolver, 'slow.example'), 'mx')
})

test('after a malformed reply the query is sent again, and the whole answer is used', async (t) => {
  const { resolver, servers } = await resolverWithServers(t, [
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

const FAILURES: readonly (readonly [
  what: string,
  script: Script | undefined,
  code: string,
  queries: number,
])[] = [
  ['SERVFAIL', servfail, 'ESERVFAIL', 1],
  ['REFUSED', (query) => query.reply({ rcode: RCODES.REFUSED }), 'EREFUSED', 1],
  [
    'malformed',
    ({ send, id, question }) => send(encodeMessage({ id, question, counts: [1, 5, 0, 0] })),
    'EBADRESP',
    2,
  ],
  ['silence', undefined, 'ETIMEOUT', 2],
]

for (const [what, script, code, queries] of FAILURES) {
  test(`${what} from the only server: ${code} after ${queries} queries`, async (t) => {
    const { resolver, servers } = await resolverWithServers(t, [script ?? timingOut(stopTime(t))])
    assert.equal(await kindOf(resolver, 'a.example'), code)
    assert.deepEqual(counts(servers), [queries])
  })
}

test('DNS over TLS: a kept connection that no longer answers costs one try', async (t) => {
  const lost = timingOut(stopTime(t))
  const fixture = (name: string) => readFileSync(join('test', 'fixtures', 'tls', name))
  const server = await startScripted(
    (query) => {
      if (server.queries.length === 1 || server.connections.ever > 1) good(query)
      else lost(query)
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
  const { resolver, servers } = await resolverWithServers(t, [cutOverUdp, silent], {
    tuning: { timeoutMs: 10_000, tries: 5, deadlineMs: 300 },
  })
  const pass = stopTime(t)
  const kind = kindOf(resolver, 'a.example')
  // The second server is asked after half the time.
  await servers[0].received(2)
  pass(150)
  await servers[1].received(1)
  pass(149)
  assert.equal(resolver.stats().inFlight, 1)
  pass(1)
  assert.equal(await kind, 'ETIMEOUT')
  await until(() => servers[0].connections.open === 0, 'the end of the connection')
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
  const { resolver, servers } = await resolverWithServers(t, [
    (query) => {
      held.push(query)
      clearTimeout(timer)
      timer = setTimeout(answerAll, 50)
    },
  ])
  const kinds = await Promise.all(Array.from({ length: 2000 }, (_, i) => kindOf(resolver, `n${i}.example`)))
  assert.deepEqual(new Set(kinds), new Set(['mx']))
  assert.equal(most, 150)
  assert.deepEqual(counts(servers), [2000])
})
