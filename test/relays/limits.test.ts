import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Connections, HourCount } from '../../lib/relays/limits'

const HOUR = 3_600_000

test('messages of the last hour are counted, and never too few', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * HOUR), { maxLength: 60 }), (times) => {
      const count = new HourCount()
      const sent: number[] = []
      for (const at of times.sort((a, b) => a - b)) {
        count.add(at)
        sent.push(at)
        const total = count.total(at)
        assert.ok(total >= sent.filter((one) => one > at - HOUR).length)
        assert.ok(total <= sent.filter((one) => one > at - HOUR - 10_000).length)
      }
    }),
  )
})

test('says when the next one is forgotten, and survives being written down', () => {
  const count = new HourCount()
  assert.equal(count.freeAt(0), undefined)
  count.add(25_000)
  count.add(29_999)
  count.add(31_000)
  assert.equal(count.freeAt(32_000), 30_000 + HOUR)
  assert.equal(count.total(30_000 + HOUR - 1), 3)
  assert.equal(count.total(30_000 + HOUR), 1)
  assert.deepEqual(count.entries(30_000 + HOUR), [[30_000, 1]])
})

test('those who find no connection come again one after the other, as connections become free', () => {
  const connections = new Connections()
  const times = Array.from({ length: 4 }, () => connections.comeAgain(5, 0))
  assert.deepEqual(times, [1_000, 1_100, 1_200, 1_300], 'half a second each over five connections')
  const give = connections.take(0)
  assert.equal(connections.used, 1)
  give(8_500)
  assert.equal(connections.used, 0)
  assert.equal(connections.comeAgain(5, 0), 1_300 + 1_500 / 5, 'the average has learned')
  for (let i = 0; i < 1_000; i++) connections.comeAgain(1, 0)
  assert.equal(connections.comeAgain(1, 0), 60_000)
})

test('a clock that was ahead is forgotten when it is put right', () => {
  const ahead = 1_000 * HOUR
  const count = new HourCount()
  count.add(5 * HOUR)
  count.add(ahead)
  count.add(ahead + 20_000)
  assert.equal(count.total(5 * HOUR + 60_000), 3, 'never too few')
  assert.equal(count.total(6 * HOUR + 10_000), 2)
  assert.equal(count.total(6 * HOUR + 70_000), 0)
  const connections = new Connections()
  connections.comeAgain(1, ahead)
  assert.ok(connections.comeAgain(1, 0) <= 60_000)
  for (let i = 0; i < 1_000; i++) connections.comeAgain(1, 0)
  assert.equal(connections.comeAgain(1, 120_000), 121_000, 'a crowd is forgotten when it is over')
})
