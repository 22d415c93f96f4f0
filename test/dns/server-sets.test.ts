import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { TEST_TUNING, testResolver } from '../support/dns-resolver'
import { a, cname, fails, mx, startZone, type ZoneData, type ZoneServer } from '../support/dns-scripted'
import { stopTime } from '../support/stopped-time'

type Table = Record<string, readonly ZoneData[]>

/** A general server, and one for each zone. */
async function setUp(
  t: TestContext,
  general: Table,
  zones: Record<string, Table>,
): Promise<{ resolver: Resolver; outside: ZoneServer; inside: Record<string, ZoneServer> }> {
  const outside = await startZone(general)
  const inside: Record<string, ZoneServer> = {}
  for (const [domain, table] of Object.entries(zones)) inside[domain] = await startZone(table)
  const resolver = testResolver([outside.server], {
    zones: Object.entries(inside).map(([domain, { server }]) => ({ domain, servers: [server] })),
    tuning: { tries: 1 },
  })
  t.after(async () => {
    resolver.close()
    await Promise.all([outside, ...Object.values(inside)].map((server) => server.stop()))
  })
  return { resolver, outside, inside }
}

const exchanges = async (resolver: Resolver, domain: string): Promise<string> => {
  const answer = await resolver.mx(domain)
  if (answer.kind === 'failed') return answer.error.code
  return answer.kind === 'mx' ? answer.records.map(({ exchange }) => exchange).join() : answer.kind
}

test('a zone sends its domain and all names below to its own servers only', async (t) => {
  const names = ['corp.internal', 'a.corp.internal', 'deep.a.corp.internal']
  const table = Object.fromEntries(names.map((name) => [name, [mx(10, 'in.example')]]))
  const { resolver, outside, inside } = await setUp(
    t,
    { 'example.com': [mx(10, 'out.example')], 'xcorp.internal': [mx(10, 'out.example')] },
    { 'corp.internal': table },
  )
  for (const name of names) assert.equal(await exchanges(resolver, name), 'in.example')
  assert.equal(await exchanges(resolver, 'none.corp.internal'), 'nxdomain')
  for (const name of ['example.com', 'xcorp.internal'])
    assert.equal(await exchanges(resolver, name), 'out.example')
  assert.equal(await exchanges(resolver, 'internal'), 'nxdomain')
  assert.deepEqual(outside.asked, ['MX example.com', 'MX xcorp.internal', 'MX internal'])
  assert.deepEqual(
    inside['corp.internal']!.asked,
    [...names, 'none.corp.internal'].map((name) => `MX ${name}`),
  )
})

test('the smallest matching zone is used', async (t) => {
  const { resolver } = await setUp(
    t,
    {},
    {
      internal: { 'x.internal': [mx(1, 'large.example')], 'x.corp.internal': [mx(1, 'large.example')] },
      'corp.internal': { 'x.corp.internal': [mx(1, 'small.example')] },
    },
  )
  assert.equal(await exchanges(resolver, 'x.internal'), 'large.example')
  assert.equal(await exchanges(resolver, 'X.corp.internal.'), 'small.example')
})

test('if the servers of a zone fail, the query fails, and no others are asked', async (t) => {
  const { resolver, outside, inside } = await setUp(
    t,
    { 'a.corp.internal': [mx(1, 'out.example')], 'b.corp.internal': [mx(1, 'out.example')] },
    { 'corp.internal': { 'a.corp.internal': [fails('SILENT')], 'b.corp.internal': [fails('REFUSED')] } },
  )
  const pass = stopTime(t)
  const silent = exchanges(resolver, 'a.corp.internal')
  await inside['corp.internal']!.received(1)
  pass(TEST_TUNING.timeoutMs)
  assert.equal(await silent, 'ETIMEOUT')
  assert.equal(await exchanges(resolver, 'b.corp.internal'), 'EREFUSED')
  assert.deepEqual(outside.asked, [])
})

test('a CNAME into or out of a zone is followed by the servers of its target', async (t) => {
  const { resolver, outside, inside } = await setUp(
    t,
    // The general server says that the name inside does not exist; it has no say in this.
    { 'into.example': [cname('host.corp.internal')], 'far.example': [a('192.0.2.2')] },
    {
      'corp.internal': {
        'host.corp.internal': [a('192.0.2.1')],
        'out.corp.internal': [cname('far.example')],
        'far.example': [a('192.0.2.66')],
      },
    },
  )
  for (const [host, address] of [
    ['into.example', '192.0.2.1'],
    ['out.corp.internal', '192.0.2.2'],
  ] as const) {
    const answer = await resolver.resolve({ name: host, type: 'A' })
    assert.deepEqual(answer.kind === 'records' && answer.records, [address])
  }
  assert.deepEqual(outside.asked, ['A into.example', 'A far.example'])
  assert.deepEqual(inside['corp.internal']!.asked, ['A host.corp.internal', 'A out.corp.internal'])
})

test('statistics name the zone of each server', async (t) => {
  const { resolver } = await setUp(t, {}, { 'corp.internal': { 'corp.internal': [mx(1, 'a.example')] } })
  await resolver.mx('corp.internal')
  assert.deepEqual(
    resolver.stats().servers.map(({ zone, queries }) => [zone, queries]),
    [
      [undefined, 0],
      ['corp.internal', 1],
    ],
  )
})
