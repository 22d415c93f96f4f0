import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RCODES } from '../support/dns-wire'
import { resolverWithServer, answering, servfail, nxdomain, MX, codeOf } from '../support/dns-one-server'

test('a negative answer is cached for the smaller of SOA TTL and minimum (RFC 2308 5)', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, nxdomain(300, 60))
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
  const { resolver } = await resolverWithServer(t, nxdomain(100_000, 100_000))
  assert.equal((await resolver.resolve(MX)).ttlSeconds, 3_600)
})

test('a negative answer without SOA is not cached (RFC 2308 5)', async (t) => {
  const { resolver, server } = await resolverWithServer(t, (query) => query.reply({ rcode: RCODES.NXDOMAIN }))
  await resolver.resolve(MX)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 2)
})

for (const [what, script, code] of [
  ['SERVFAIL', servfail, 'ESERVFAIL'],
  ['a timeout', () => {}, 'ETIMEOUT'],
] as const) {
  test(`${what} is cached for 1 s, then longer (RFC 9520 3.2)`, async (t) => {
    const { resolver, server, clock } = await resolverWithServer(t, script, {
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
  const { resolver, server, clock } = await resolverWithServer(t, servfail)
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
