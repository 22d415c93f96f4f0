import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HourCount } from '../../lib/relays/hour-count'

const HOUR = 3_600_000

test('messages of the last hour are counted, never too few', () => {
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

test('the time until the next one is forgotten is the same after writing and reading', () => {
  const count = new HourCount()
  assert.equal(count.freeAt(0), undefined)
  count.add(25_000)
  count.add(29_999)
  count.add(31_000)
  assert.equal(count.freeAt(32_000), 30_000 + HOUR)
  assert.equal(count.total(30_000 + HOUR - 1), 3)
  assert.equal(count.total(30_000 + HOUR), 1)
  assert.deepEqual(count.entries(30_000 + HOUR), [[39_999, 1]])
})

test('times before the boot count too', () => {
  const count = new HourCount()
  count.add(-HOUR + 15_000, 3)
  assert.equal(count.total(15_000), 3)
  assert.equal(count.total(25_000), 0)
})
