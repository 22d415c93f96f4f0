import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { DeliveryQueue } from '../../../lib/haraka/delivery/delivery-queue'
import type { OutboundItem } from '../../../lib/haraka-objects/outbound'
import { exchangeKey, type Exchange } from '../../../lib/model/exchange'
import { PlaceQueue } from '../../../lib/relays/place-queue'
import { relayExchange } from '../../support/servers'

/** Haraka's own for the first attempt. Seconds. */
const INTERVAL = 64
const SECOND_MS = 1_000

const isp = relayExchange({ host: 'isp' })
const [a, b, other] = ['a', 'b', 'other'].map((host) => relayExchange({ host })) as [
  Exchange,
  Exchange,
  Exchange,
]

function setup(t: TestContext) {
  mock.timers.enable({ apis: ['setInterval'] })
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
  const waitFor = (hmail: OutboundItem, exchanges: readonly Exchange[], interval = INTERVAL) =>
    queue.waitForRoom(hmail, { exchanges, why: 'connections', interval })
  return {
    queue,
    waitFor,
    pushed,
    ended,
    message,
    free: (exchange: Exchange) => queueOf(exchange).wakeFirst(),
    /** Messages that wait, each as often as it stands in a queue. */
    waiting: () => [...queues.values()].reduce((sum, { length }) => sum + length, 0),
  }
}

test('a waiting message frees its thread, and continues in order, one for each free connection', (t) => {
  const { waitFor, pushed, ended, message, free } = setup(t)
  for (const name of ['a', 'b', 'c']) waitFor(message(name), [isp])
  assert.deepEqual(ended, ['a', 'b', 'c'])
  free(other)
  assert.deepEqual(pushed, [])
  free(isp)
  free(isp)
  assert.deepEqual(pushed, ['a', 'b'])
})

test('a message whose connection was taken by another returns to the front', (t) => {
  const { waitFor, pushed, message, free } = setup(t)
  const first = message('first')
  waitFor(first, [isp])
  waitFor(message('second'), [isp])
  free(isp)
  waitFor(first, [isp])
  free(isp)
  free(isp)
  assert.deepEqual(pushed, ['first', 'first', 'second'])
})

test('a message that waits for two relays continues once', (t) => {
  const { waitFor, pushed, message, free } = setup(t)
  waitFor(message('both'), [a, b])
  waitFor(message('other'), [b])
  free(a)
  free(b)
  assert.deepEqual(pushed, ['both', 'other'])
  mock.timers.tick(3_600 * SECOND_MS)
  assert.deepEqual(pushed, ['both', 'other'])
})

test('no message waits forever', (t) => {
  const { waitFor, pushed, message, free } = setup(t)
  waitFor(message('a'), [isp], 5)
  waitFor(message('b'), [], 5)
  mock.timers.tick(4 * SECOND_MS)
  assert.deepEqual(pushed, [])
  mock.timers.tick(SECOND_MS)
  assert.deepEqual(pushed, ['a'])
  mock.timers.tick(SECOND_MS)
  assert.deepEqual(pushed, ['a', 'b'])
  free(isp)
  assert.deepEqual(pushed, ['a', 'b'])
})

test('few messages look again once a minute, many once an hour, in their order and a few each second', (t) => {
  const { queue, waitFor, pushed, message } = setup(t)
  const names = Array.from({ length: 7_200 }, (_, index) => String(index))
  assert.equal(queue.secondsToLook(INTERVAL), 60)
  for (const name of names) waitFor(message(name), [isp])
  assert.equal(queue.secondsToLook(INTERVAL), 3_600)
  mock.timers.tick(59 * SECOND_MS)
  assert.equal(pushed.length, 0)
  for (let second = 60; second <= 3_600; second++) {
    const before = pushed.length
    mock.timers.tick(SECOND_MS)
    const looked = pushed.length - before
    assert.ok(second === 3_600 || looked <= 2, `${looked} in second ${second}`)
  }
  assert.deepEqual(pushed, names)
})

test('a message that looked goes to the end, and no timer is left when nobody waits', (t) => {
  const { waitFor, pushed, message } = setup(t)
  const [early, late] = [message('a'), message('b')]
  for (const each of [early, late]) waitFor(each, [isp], 5)
  mock.timers.tick(5 * SECOND_MS)
  const release = waitFor(early, [isp], 5)
  mock.timers.tick(SECOND_MS)
  assert.deepEqual(pushed, ['a', 'b'])
  release()
  release()
  assert.deepEqual(pushed, ['a', 'b', 'a'])
  mock.timers.tick(3_600 * SECOND_MS)
  assert.deepEqual(pushed, ['a', 'b', 'a'])
})

test('a message waits on if it has only looked: nothing happened, no server was asked, the reason is the same', (t) => {
  const { queue, waitFor, message, free } = setup(t)
  const hmail = message('a')
  const look = () => mock.timers.tick(5 * SECOND_MS)
  const waitsOn = () => queue.waitsOn(hmail, 'connections')
  assert.equal(waitsOn(), false)
  waitFor(hmail, [isp], 5)
  look()
  assert.equal(waitsOn(), true)
  assert.equal(queue.waitsOn(hmail, 'held'), false)
  waitFor(hmail, [isp], 5)
  free(isp)
  assert.equal(waitsOn(), false)
  waitFor(hmail, [isp], 5)()
  assert.equal(waitsOn(), false)
  waitFor(hmail, [isp], 5)
  look()
  queue.noteTry(hmail)
  assert.equal(waitsOn(), false)
})

test('of a message that waits nothing is kept of its turn in Haraka’s queue, which ends once', (t) => {
  const { waitFor, ended, message } = setup(t)
  const hmail = message('a')
  const turn = hmail.next_cb
  waitFor(hmail, [isp])
  assert.notEqual(hmail.next_cb, turn)
  hmail.next_cb()
  assert.deepEqual(ended, ['a'])
})

test('a message that continues leaves every queue, even of a relay that is no longer used', (t) => {
  const { waitFor, message, free, waiting } = setup(t)
  for (const name of ['a', 'b', 'c']) {
    waitFor(message(name), [isp, relayExchange({ host: `gone-${name}` })])
  }
  assert.equal(waiting(), 6)
  free(isp)
  free(isp)
  assert.equal(waiting(), 2)
  mock.timers.tick(3_600 * SECOND_MS)
  assert.equal(waiting(), 0)
})
