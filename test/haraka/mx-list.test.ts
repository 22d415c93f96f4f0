import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { buildMxList, sortExchanges } from '../../lib/haraka/mx-list'
import type { Located } from '../../lib/routing/route'
import { mxExchange, relayExchange } from '../support/servers'
import { loadHaraka } from '../support/haraka-modules'

const haraka = loadHaraka()

/** The list of a server that listens nowhere. */
const listOf = (located: readonly Located[]) => buildMxList(haraka.HarakaMx, located, () => false).candidates

after(() => haraka.close())

test('priorities are kept, and every order of equals is equally likely', () => {
  const equals = ['a', 'b', 'c'].map((name) => mxExchange(name, 10))
  const all = [mxExchange('last', 20), ...equals, mxExchange('first', 5)]
  // A generator of its own, so that the test is the same each time (Park and Miller's).
  let state = 1
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const orders = new Map<string, number>()
  for (let run = 0; run < 6000; run++) {
    const names = sortExchanges(all, random).map((one) => one.endpoint.host)
    assert.equal(names[0], 'first')
    assert.equal(names[4], 'last')
    const order = names.slice(1, 4).join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  assert.equal(orders.size, 6)
  for (const [order, times] of orders) assert.ok(times > 880 && times < 1120, `${order}: ${times}`)
  assert.deepEqual(
    all.map((one) => one.endpoint.host),
    ['last', 'a', 'b', 'c', 'first'],
    'nothing is changed in place',
  )
})

test('each address of an exchange is one entry, and exchanges without an address are omitted', () => {
  const answer = { how: 'fresh', server: '192.0.2.53:53', ttlSeconds: 60 } as const
  const list = listOf([
    {
      exchange: mxExchange('a.example', 1),
      answer: { kind: 'addresses', addresses: ['2001:db8::1', '192.0.2.1'], ...answer },
    },
    { exchange: mxExchange('b.example', 2), answer: { kind: 'none', proven: true, ...answer } },
    {
      exchange: mxExchange('c.example', 3),
      answer: { kind: 'addresses', addresses: ['192.0.2.3'], ...answer },
    },
  ])
  assert.deepEqual(
    list.map(({ mx, exchange }) => [exchange.endpoint.host, mx.exchange]),
    [
      ['a.example', '2001:db8::1'],
      ['a.example', '192.0.2.1'],
      ['c.example', '192.0.2.3'],
    ],
  )
})

test('hosts and addresses from DNS are bounded per host and family, those of relays are not', () => {
  const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`)
  const v6 = Array.from({ length: 200 }, (_, i) => `2001:db8::${i.toString(16)}`)
  const answer = {
    kind: 'addresses',
    how: 'fresh',
    server: '192.0.2.53:53',
    ttlSeconds: 60,
    addresses: [...v6, ...many],
  } as const
  const hosts = Array.from({ length: 200 }, (_, i) => mxExchange(`mx${i}.example`, i))
  const relay = relayExchange({ host: 'relay.example' }, 500)
  const tried = sortExchanges([...hosts, relay], Math.random)
  assert.deepEqual(
    tried.map(({ priority }) => priority),
    [...Array(20).keys(), 500],
  )
  const list = listOf(tried.map((one) => ({ exchange: one, answer })))
  const addresses = (name: string) =>
    list.flatMap(({ mx, exchange }) => (exchange.endpoint.host === name ? [mx.exchange] : []))
  assert.deepEqual(addresses('mx0.example'), [...v6.slice(0, 8), ...many.slice(0, 8)])
  assert.equal(list.filter(({ exchange }) => exchange.origin.kind === 'dns').length, 32)
  assert.deepEqual(addresses('relay.example'), [...v6, ...many])
})

const found = (...addresses: string[]) =>
  ({ kind: 'addresses', how: 'fresh', server: '192.0.2.53:53', ttlSeconds: 60, addresses }) as const

test('addresses of a family that bind lacks are skipped, and logged only at debug level if others are left', () => {
  const fields = { host: 'relay.example', bind: { v4: '192.0.2.9' } }
  const both = { exchange: relayExchange(fields), answer: found('2001:db8::1', '192.0.2.1') }
  const v6 = { exchange: relayExchange({ ...fields, host: 'v6.example' }), answer: found('2001:db8::2') }
  const { candidates, passedOver } = buildMxList(haraka.HarakaMx, [both, v6], () => false)
  assert.deepEqual(
    candidates.map(({ address }) => address),
    ['192.0.2.1'],
  )
  assert.deepEqual(passedOver, [
    {
      exchange: v6.exchange,
      reason: 'none of its addresses can be used with bind = 192.0.2.9',
      level: 'debug',
    },
  ])
})

test('each address is used with the bind of its family, and family excludes the other', () => {
  const bind = { v4: '192.0.2.9', v6: '2001:db8::9' }
  const both = {
    exchange: relayExchange({ host: 'a.example', bind }),
    answer: found('2001:db8::1', '192.0.2.1'),
  }
  const v6 = {
    exchange: relayExchange({ host: 'b.example', family: 'v6' }),
    answer: found('2001:db8::2', '192.0.2.2'),
  }
  const v4 = { exchange: relayExchange({ host: 'c.example', family: 'v4' }), answer: found('2001:db8::3') }
  const { candidates, passedOver } = buildMxList(haraka.HarakaMx, [both, v6, v4], () => false)
  assert.deepEqual(
    candidates.map(({ mx }) => [mx.exchange, mx.bind]),
    [
      ['2001:db8::1', '2001:db8::9'],
      ['192.0.2.1', '192.0.2.9'],
      ['2001:db8::2', undefined],
    ],
  )
  assert.deepEqual(
    passedOver.map(({ reason }) => reason),
    ['none of its addresses can be used with family = v4'],
  )
})

test('an address where this server itself listens is an error, both from DNS and from the file', () => {
  const relay = relayExchange({ host: '127.0.0.1', port: 2525 })
  const mx = mxExchange('mx.example')
  const { candidates, passedOver } = buildMxList(
    haraka.HarakaMx,
    [
      { exchange: relay, answer: found('127.0.0.1') },
      { exchange: mx, answer: found('192.0.2.1', '192.0.2.2') },
    ],
    ({ host, port }) => ['127.0.0.1:2525', '192.0.2.1:25'].includes(`${host}:${port}`),
  )
  assert.deepEqual(
    candidates.map(({ address }) => address),
    ['192.0.2.2'],
  )
  assert.deepEqual(
    passedOver.map(({ reason, level }) => [reason, level]),
    [
      ['127.0.0.1:2525 is this server itself', 'error'],
      ['192.0.2.1:25 is this server itself', 'error'],
    ],
  )
})
