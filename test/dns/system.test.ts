import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResolveError } from '../../lib/model/errors'
import { openHandles } from '../support/dns-resolver'
import { a, fails, mx } from '../support/dns-scripted'
import { resolverWithZone, found } from '../support/dns-zone-resolver'
import { stopTime } from '../support/stopped-time'
import { until } from '../support/until'

const known =
  (table: Record<string, readonly string[]>) =>
  (host: string): Promise<readonly string[]> =>
    Promise.resolve(table[host] ?? [])

const failing = () => Promise.reject(new ResolveError('no', { code: 'EAI_AGAIN', temporary: true }))

test('relay names that DNS does not know are looked up by the system', async (t) => {
  const systemLookup = known({
    'hosts.example': ['192.0.2.9', '2001:db8::9'],
    'broken.example': ['192.0.2.8'],
    'dns.example': ['192.0.2.7'],
  })
  const { resolver } = await resolverWithZone(
    t,
    { 'broken.example': [fails()], 'dns.example': [a('192.0.2.1')], 'empty.example': [mx(1, 'x.example')] },
    { systemLookup },
  )
  const answer = await resolver.relayAddresses('hosts.example', 'v4')
  assert.deepEqual(answer, {
    kind: 'addresses',
    addresses: ['192.0.2.9', '2001:db8::9'],
    how: 'fresh',
    server: 'system',
    ttlSeconds: 0,
  })
  assert.deepEqual(found(await resolver.relayAddresses('broken.example', 'v4')), ['192.0.2.8'], 'DNS failed')
  assert.deepEqual(
    found(await resolver.relayAddresses('dns.example', 'v4')),
    ['192.0.2.1'],
    'DNS comes first',
  )
  assert.equal(found(await resolver.relayAddresses('empty.example', 'v4')), 'none', 'neither knows it')
  assert.equal(found(await resolver.addresses('hosts.example', 'v4')), 'none', 'for relays only')
  assert.equal(found(await resolver.relayAddresses('a..b', 'v4')), 'none')
})

test('a failing system lookup makes a negative answer a failure, and leaves other failures', async (t) => {
  const { resolver } = await resolverWithZone(t, { 'broken.example': [fails()] }, { systemLookup: failing })
  assert.equal(found(await resolver.relayAddresses('none.example', 'v4')), 'EAI_AGAIN')
  assert.equal(found(await resolver.relayAddresses('broken.example', 'v4')), 'ESERVFAIL')
})

test('a system lookup that hangs ends at the deadline, and is made only if DNS leaves time for it', async (t) => {
  let asked = 0
  const systemLookup = () => {
    asked++
    return new Promise<readonly string[]>(() => {})
  }
  const { resolver } = await resolverWithZone(
    t,
    { 'silent.example': [fails('SILENT')] },
    { systemLookup, tuning: { deadlineMs: 200 } },
  )
  const pass = stopTime(t)
  const lookups = Promise.all(
    ['silent.example', 'none.example', 'none.example'].map((host) => resolver.relayAddresses(host, 'v4')),
  )
  await until(() => asked === 1, 'the lookup of the name that does not exist')
  pass(200)
  await until(() => asked === 2, 'the lookup of the other')
  pass(200)
  assert.deepEqual((await lookups).map(found), ['ETIMEOUT', 'ETIMEOUT', 'ETIMEOUT'])
  assert.equal(asked, 2, 'those who ask for the same name share a lookup')
})

test('close ends waiting for the system, which is not asked again', async (t) => {
  const asked: string[] = []
  const systemLookup = (host: string) => {
    asked.push(host)
    return new Promise<readonly string[]>(() => {})
  }
  const { resolver } = await resolverWithZone(t, { 'silent.example': [fails('SILENT')] }, { systemLookup })
  const answers = ['none.example', 'silent.example'].map((host) => resolver.relayAddresses(host, 'v4'))
  await until(() => asked.length > 0, 'the lookup')
  resolver.close()
  assert.deepEqual((await Promise.all(answers)).map(found), ['ECANCELLED', 'ECANCELLED'])
  assert.deepEqual(asked, ['none.example'])
  assert.equal(openHandles().timers, 0)
})

test('the system lookup finds localhost in the hosts file', async (t) => {
  const { resolver } = await resolverWithZone(t, {})
  const answer = await resolver.relayAddresses('localhost', 'v4')
  assert.ok(answer.kind === 'addresses')
  assert.equal(answer.addresses[0], '127.0.0.1')
  assert.equal(answer.server, 'system')
})
