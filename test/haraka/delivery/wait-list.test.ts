import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import type { OutboundItem } from '../../../lib/haraka-objects/outbound'
import { WaitList, type WaitingMessage } from '../../../lib/haraka/delivery/wait-list'
import type { Exchange } from '../../../lib/model/exchange'
import type { Availability } from '../../../lib/relays/types'
import { relayExchange } from '../../support/servers'

const [a, b] = ['a', 'b'].map((host) => relayExchange({ host })) as [Exchange, Exchange]

function setup(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const held = new Set<Exchange>([a, b])
  const broken = new Set<Exchange>()
  const look = (exchange: Exchange): Availability => {
    if (held.has(exchange)) return { usable: false, why: 'held', message: 'held by hand' }
    return broken.has(exchange)
      ? { usable: false, why: 'breaker', message: 'left out' }
      : { usable: false, why: 'connections', message: 'full' }
  }
  const released: string[] = []
  const waits = new WaitList({ look })
  const addWait = (name: string, servers: Pick<WaitingMessage, 'held' | 'leftOut'>) => {
    const hmail = {} as OutboundItem
    waits.add(hmail, { ...servers, release: () => released.push(name) })
    return hmail
  }
  const add = (name: string, ...exchanges: readonly Exchange[]) =>
    addWait(name, { held: exchanges, leftOut: [] })
  return { held, broken, released, waits, add, addWait }
}

test('messages for a resumed relay continue, 20 every 100 ms, and those for a held relay stay', (t) => {
  const { held, released, waits, add } = setup(t)
  const names = Array.from({ length: 50 }, (_, index) => `a${index}`)
  for (const name of names) add(name, a)
  add('b', b)
  add('limit')
  waits.noteComeback()
  assert.deepEqual(released, [])
  held.delete(a)
  waits.noteComeback()
  assert.deepEqual(released, names.slice(0, 20))
  mock.timers.tick(100)
  assert.deepEqual(released, names.slice(0, 40))
  waits.noteComeback()
  mock.timers.tick(100)
  assert.deepEqual(released, names)
  mock.timers.tick(3_600_000)
  assert.deepEqual(released, names)
})

test('a message that waits for two held relays continues once, when one is resumed', (t) => {
  const { held, released, waits, add } = setup(t)
  add('both', a, b)
  held.delete(b)
  waits.noteComeback()
  held.delete(a)
  waits.noteComeback()
  assert.deepEqual(released, ['both'])
})

test('a single message can be released, once', (t) => {
  const { released, waits, add } = setup(t)
  add('other', a)
  const hmail = add('this', a)
  waits.release(hmail)
  waits.release(hmail)
  assert.deepEqual(released, ['this'])
})

test('a relay that is resumed gets its messages even if its breaker is open', (t) => {
  const { held, broken, released, waits, add } = setup(t)
  add('a', a)
  broken.add(a)
  held.delete(a)
  waits.noteComeback()
  assert.deepEqual(released, ['a'])
})

test('messages that a breaker kept away from a server go on when it works again', (t) => {
  const { held, broken, released, waits, addWait } = setup(t)
  held.clear()
  broken.add(a)
  addWait('a', { held: [], leftOut: [a] })
  addWait('none', { held: [], leftOut: [] })
  waits.noteComeback()
  assert.deepEqual(released, [])
  broken.delete(a)
  waits.noteComeback()
  assert.deepEqual(released, ['a'])
})

test('a new configuration routes all waiting messages again', (t) => {
  const { released, waits, add } = setup(t)
  add('held', a)
  add('dns')
  waits.reroute()
  waits.reroute()
  assert.deepEqual(released, ['held', 'dns'])
})

test('a message that has continued by itself is not released', (t) => {
  const { held, released, waits, add } = setup(t)
  const messages = Array.from({ length: 25 }, (_, index) => add(String(index), a))
  held.delete(a)
  waits.noteComeback()
  waits.remove(messages[22]!)
  mock.timers.tick(100)
  assert.equal(released.length, 24)
  assert.ok(!released.includes('22'))
})
