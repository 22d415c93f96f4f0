import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { finish } from '../../lib/model/steps'
import { pickLargest, placesOfLargest } from '../../lib/status/largest'

test('the places of the largest weights are those of a sorted list', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 9 })), fc.nat(30), (weights, most) => {
      const sorted = weights.map((_, place) => place).sort((a, b) => weights[b]! - weights[a]! || a - b)
      const found = finish(placesOfLargest(weights.length, most, (place) => weights[place]!))
      assert.deepEqual(found, sorted.slice(0, most))
    }),
  )
  assert.deepEqual(finish(pickLargest(['a', 'ccc', 'bb'], 2, ({ length }) => length)), ['ccc', 'bb'])
})

test('a hundred thousand weights are read in small steps', () => {
  const steps = [...placesOfLargest(100_000, 1_000, (place) => place)].length
  assert.ok(steps >= 195, `${steps} steps`)
})
