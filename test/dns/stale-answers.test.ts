import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolverWithServer, answering, servfail, nxdomain, MX, codeOf } from '../support/dns-one-server'
import { until } from '../support/until'

test('serve-stale answers when no server does, for a while, and is off by default (RFC 8767)', async (t) => {
  for (const serveStale of [0, 100]) {
    const { resolver, server, clock } = await resolverWithServer(t, answering(10), {
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
  const { resolver, server, clock } = await resolverWithServer(t, nxdomain(10, 10), {
    tuning: { serveStaleSeconds: 100 },
  })
  await resolver.resolve(MX)
  server.script(servfail)
  clock.pass(11)
  assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
})

test('serve-stale: NXDOMAIN replaces the records, which are not served again', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, answering(10), {
    tuning: { serveStaleSeconds: 1_000 },
  })
  await resolver.resolve(MX)
  clock.pass(11)
  server.script(nxdomain(10, 10))
  assert.equal((await resolver.resolve(MX)).kind, 'nxdomain')
  clock.pass(11)
  server.script(servfail)
  assert.equal(await codeOf(resolver.resolve(MX)), 'ESERVFAIL')
})

test('an entry near its end is refreshed once in the background', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, answering(100), {
    tuning: { prefetchPercent: 10 },
  })
  await resolver.resolve(MX)
  clock.pass(89)
  await resolver.resolve(MX)
  assert.equal(server.queries.length, 1)
  clock.pass(2)
  for (let i = 0; i < 5; i++) assert.equal((await resolver.resolve(MX)).how, 'cached')
  await until(() => resolver.stats().inFlight === 0, 'the refresh')
  assert.equal(server.queries.length, 2)
  clock.pass(50)
  const { how, ttlSeconds } = await resolver.resolve(MX)
  assert.deepEqual({ how, ttlSeconds }, { how: 'cached', ttlSeconds: 50 })
})

test('a failed background refresh leaves the entry, and is not repeated at every hit', async (t) => {
  const { resolver, server, clock } = await resolverWithServer(t, answering(100), {
    tuning: { prefetchPercent: 10 },
  })
  await resolver.resolve(MX)
  server.script(servfail)
  clock.pass(95)
  for (let i = 0; i < 5; i++) {
    assert.equal((await resolver.resolve(MX)).how, 'cached')
    await until(() => resolver.stats().inFlight === 0, 'the refresh')
  }
  assert.equal(server.queries.length, 2)
})
