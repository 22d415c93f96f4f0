import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingLine } from '../../lib/relays/waiting-line'

test('those who wait are woken in the order of coming, those who were woken before come first', () => {
  const line = new WaitingLine()
  const woken: string[] = []
  const wait = (name: string, first: boolean) => line.add(() => woken.push(name), first)
  wait('a', false)
  const leave = wait('b', false)
  wait('c', false)
  wait('again', true)
  leave()
  assert.equal(line.length, 3)
  while (line.wakeFirst());
  assert.deepEqual(woken, ['again', 'a', 'c'])
  assert.equal(line.length, 0)
})

test('one that has left, or was woken, is not woken again', () => {
  const line = new WaitingLine()
  const woken: number[] = []
  const leave = line.add(() => woken.push(1), false)
  assert.equal(line.wakeFirst(), true)
  leave()
  assert.equal(line.wakeFirst(), false)
  assert.deepEqual(woken, [1])
})
