import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlaceQueue } from '../../lib/relays/place-queue'

test('messages are woken in order of arrival, those that were woken before come first', () => {
  const queue = new PlaceQueue()
  const woken: string[] = []
  const wait = (name: string, first: boolean) => queue.add(() => woken.push(name), first)
  wait('a', false)
  const leave = wait('b', false)
  wait('c', false)
  wait('again', true)
  leave()
  assert.equal(queue.length, 3)
  while (queue.wakeFirst());
  assert.deepEqual(woken, ['again', 'a', 'c'])
  assert.equal(queue.length, 0)
})

test('a message that has left or was woken is not woken again', () => {
  const queue = new PlaceQueue()
  const woken: number[] = []
  const leave = queue.add(() => woken.push(1), false)
  assert.equal(queue.wakeFirst(), true)
  leave()
  assert.equal(queue.wakeFirst(), false)
  assert.deepEqual(woken, [1])
})
