import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { Places } from '../../../lib/haraka/delivery/connection-queue'
import type { OutboundItem } from '../../../lib/haraka/delivery/types'

const HOUR = 3_600_000

function setup(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const pushed: string[] = []
  const ended: string[] = []
  const names = new Map<OutboundItem, string>()
  const places = new Places((hmail) => pushed.push(names.get(hmail)!))
  const message = (name: string): OutboundItem => {
    const hmail = { next_cb: () => ended.push(name) } as unknown as OutboundItem
    names.set(hmail, name)
    return hmail
  }
  return { places, pushed, ended, message }
}

test('who waits gives its place in Haraka back, and goes on in the order of coming, one for each free connection', (t) => {
  const { places, pushed, ended, message } = setup(t)
  for (const name of ['a', 'b', 'c']) places.wait(message(name), ['isp:25'], HOUR)
  assert.deepEqual(ended, ['a', 'b', 'c'])
  places.free('other:25')
  assert.deepEqual(pushed, [])
  places.free('isp:25')
  places.free('isp:25')
  assert.deepEqual(pushed, ['a', 'b'])
})

test('one that another was quicker than is first again', (t) => {
  const { places, pushed, message } = setup(t)
  const first = message('first')
  places.wait(first, ['isp:25'], HOUR)
  places.wait(message('second'), ['isp:25'], HOUR)
  places.free('isp:25')
  places.wait(first, ['isp:25'], HOUR)
  places.free('isp:25')
  places.free('isp:25')
  assert.deepEqual(pushed, ['first', 'first', 'second'])
})

test('one that waits for two relays goes on once', (t) => {
  const { places, pushed, message } = setup(t)
  places.wait(message('both'), ['a:25', 'b:25'], HOUR)
  places.wait(message('other'), ['b:25'], HOUR)
  places.free('a:25')
  places.free('b:25')
  assert.deepEqual(pushed, ['both', 'other'])
  mock.timers.tick(HOUR)
  assert.deepEqual(pushed, ['both', 'other'])
})

test('nobody waits for ever', (t) => {
  const { places, pushed, message } = setup(t)
  places.wait(message('a'), ['isp:25'], 5_000)
  mock.timers.tick(4_999)
  assert.deepEqual(pushed, [])
  mock.timers.tick(1)
  assert.deepEqual(pushed, ['a'])
  places.free('isp:25')
  assert.deepEqual(pushed, ['a'])
})

test('who goes on is kept nowhere, also where he waited for a relay that is used no more', (t) => {
  const { places, message } = setup(t)
  for (const name of ['a', 'b', 'c']) places.wait(message(name), ['isp:25', `gone-${name}:25`], HOUR)
  assert.equal(places.lines, 4)
  places.free('isp:25')
  places.free('isp:25')
  assert.equal(places.lines, 2)
  mock.timers.tick(HOUR)
  assert.equal(places.lines, 0)
})
