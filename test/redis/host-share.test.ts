import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type HostSlice, NO_SLICE, shareAlone, shareOf, WHOLE } from '../../lib/redis/host-share'

const sliceOf = (rank: number, hosts: number): HostSlice => ({
  begin: Math.floor((rank * WHOLE) / hosts),
  end: Math.floor(((rank + 1) * WHOLE) / hosts),
})
const all = sliceOf(0, 1)
const half = sliceOf(0, 2)

test('the shares of all hosts add up to the limit, even if slices are cut in different places', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(fc.nat(WHOLE), { maxLength: 20 }), (limit, cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), WHOLE]
      const slices = places.slice(1).map((end, index) => ({ begin: places[index]!, end }))
      const shares = slices.map((slice) => shareOf(limit, slice))
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        limit,
      )
    }),
  )
})

test('equal slices give equal shares, if the limit can be divided', () => {
  const sharesOf = (limit: number, hosts: number) =>
    Array.from({ length: hosts }, (_, rank) => shareOf(limit, sliceOf(rank, hosts)))
  assert.deepEqual(sharesOf(3, 3), [1, 1, 1])
  assert.deepEqual(sharesOf(3, 2), [1, 2])
  assert.deepEqual(sharesOf(1, 2), [0, 1])
  assert.deepEqual(sharesOf(100, 7), [14, 14, 14, 15, 14, 14, 15])
  assert.equal(shareOf(undefined, half), Infinity)
  assert.equal(shareOf(5, NO_SLICE), 0)
})

test('without Redis a host keeps to its share, and reaches it when the connections of others have ended', () => {
  const limits = { key: 'isp', maxConnections: 4, maxPerHour: 10 }
  const of = (connections: number, messages: number, goneMs: number, slice = half) =>
    shareAlone(limits, { connections, messages }, slice, goneMs)
  assert.deepEqual(of(4, 9, 0), { connections: 2, messages: 5 })
  assert.deepEqual(of(0, 1, 34_999), { connections: 0, messages: 1 })
  assert.deepEqual(of(0, 1, 35_000), { connections: 2, messages: 1 })
  assert.deepEqual(of(0, 1, 3_635_000), { connections: 2, messages: 5 })
  assert.deepEqual(of(0, 0, Infinity, all), { connections: 4, messages: 10 })
})
