import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shareOf } from '../../lib/relays/share'

const SLICE = 20_000
const IDLE = 5_000

const shares = (limit: number, count: number, now: number) =>
  Array.from({ length: count }, (_, index) => shareOf(limit, { index, count }, now, SLICE, IDLE))

test('a limit is divided among the workers, the rest to the first', () => {
  for (const [limit, count, amounts] of [
    [10, 1, [10]],
    [10, 2, [5, 5]],
    [10, 4, [3, 3, 2, 2]],
    [4, 4, [1, 1, 1, 1]],
  ] as const) {
    assert.deepEqual(
      shares(limit, count, 0).map(({ amount }) => amount),
      amounts,
    )
  }
})

test('fewer than one for each worker: they take turns, each comes to its turn, and between turns nobody begins', () => {
  assert.deepEqual(
    [0, 14_999, 15_000, 20_000, 40_000, 60_000].map((now) => shares(1, 3, now).map(({ amount }) => amount)),
    [
      [1, 0, 0],
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 0, 0],
    ],
  )
})

test('the parts are never more than the limit, and who has none is told when it has', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 16 }),
      fc.nat(10_000_000),
      (limit, count, now) => {
        const all = shares(limit, count, now)
        const sum = all.reduce((total, { amount }) => total + amount, 0)
        assert.ok(sum <= limit)
        if (limit >= count) assert.equal(sum, limit)
        all.forEach(({ amount, until }, index) => {
          if (amount > 0) return
          assert.ok(until !== undefined && until > now)
          assert.equal(shareOf(limit, { index, count }, until, SLICE, IDLE).amount, 1)
        })
      },
    ),
  )
})
