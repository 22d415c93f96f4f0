import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { DeliveryQueue } from '../../../lib/haraka/delivery/delivery-queue'
import type { OutboundItem } from '../../../lib/haraka-objects/outbound'
import { exchangeKey, type Exchange } from '../../../lib/model/exchange'
import { PlaceQueue } from '../../../lib/relays/place-queue'
import { relayExchange } from '../../support/servers'

const HOUR = 3_600_000

const isp = relayExchange({ host: 'isp' })
const [a, b, other] = ['a', 'b', 'other'].map((host) => relayExchange({ host })) as [
  Exchange,
  Exchange,
  Exchange,
]

function setup(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const pushed: string[] = []
  const ended: string[] = []
  const names = new Map<OutboundItem, string>()
  const queues = new Map<string, PlaceQueue>()
  const queueOf = (exchange: Exchange) => {
    const waiting = queues.get(exchangeKey(exchange)) ?? new PlaceQueue()
    queues.set(exchangeKey(exchange), waiting)
    return waiting
  }
  const whenFree = (exchange: Exchange, wake: () => void, { first = false } = {}) =>
    queueOf(exchange).add(wake, first)
  const queue = new DeliveryQueue({ whenFree }, (hmail) => pushed.push(names.get(hmail)!))
  const message = (name: string): OutboundItem => {
    const hmail = { next_cb: () => ended.push(name) } as unknown as OutboundItem
    names.set(hmail, name)
    return hmail
  }
  return {
    queue,
    pushed,
    ended,
    message,
    free: (exchange: Exchange) => queueOf(exchange).wakeFirst(),
    /** Messages that wait, each as often as it stands in a queue. */
    waiting: () => [...queues.values()].reduce((sum, { length }) => sum + length, 0),
  }
}

test('a waiting message frees its thread, and continues in order, one for each free connection', (t) => {
  const { queue, pushed, ended, message, free } = setup(t)
  for (const name of ['a', 'b', 'c']) queue.waitForConnection(message(name), [isp], HOUR)
  assert.deepEqual(ended, ['a', 'b', 'c'])
  free(other)
  assert.deepEqual(pushed, [])
  free(isp)
  free(isp)
  assert.deepEqual(pushed, ['a', 'b'])
})

test('a message whose connection was taken by another returns to the front', (t) => {
  const { queue, pushed, message, free } = setup(t)
  const first = message('first')
  queue.waitForConnection(first, [isp], HOUR)
  queue.waitForConnection(message('second'), [isp], HOUR)
  free(isp)
  queue.waitForConnection(first, [isp], HOUR)
  free(isp)
  free(isp)
  assert.deepEqual(pushed, ['first', 'first', 'second'])
})

test('a message that waits for two relays continues once', (t) => {
  const { queue, pushed, message, free } = setup(t)
  queue.waitForConnection(message('both'), [a, b], HOUR)
  queue.waitForConnection(message('other'), [b], HOUR)
  free(a)
  free(b)
  assert.deepEqual(pushed, ['both', 'other'])
  mock.timers.tick(HOUR)
  assert.deepEqual(pushed, ['both', 'other'])
})

test('no message waits forever', (t) => {
  const { queue, pushed, message, free } = setup(t)
  queue.waitForConnection(message('a'), [isp], 5_000)
  mock.timers.tick(4_999)
  assert.deepEqual(pushed, [])
  mock.timers.tick(1)
  assert.deepEqual(pushed, ['a'])
  free(isp)
  assert.deepEqual(pushed, ['a'])
})

test('a message that continues leaves every queue, even of a relay that is no longer used', (t) => {
  const { queue, message, free, waiting } = setup(t)
  for (const name of ['a', 'b', 'c']) {
    queue.waitForConnection(message(name), [isp, relayExchange({ host: `gone-${name}` })], HOUR)
  }
  assert.equal(waiting(), 6)
  free(isp)
  free(isp)
  assert.equal(waiting(), 2)
  mock.timers.tick(HOUR)
  assert.equal(waiting(), 0)
})
