import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnswerCache, type CacheOptions, type Keepable } from '../../lib/dns/cache'
import type { QueryType } from '../../lib/dns/types'
import { ResolveError } from '../../lib/model/errors'

const OPTIONS: CacheOptions = {
  size: 100,
  prefetchPercent: 0,
  serveStaleSeconds: 0,
  failureTtlSeconds: 1,
  maxFailureTtlSeconds: 300,
}
const cacheOf = (options: Partial<CacheOptions> = {}) => new AnswerCache({ ...OPTIONS, ...options })
const records = (ttlSeconds: number, ...list: string[]): Keepable<'A'> => ({
  content: { kind: 'records', records: list.length > 0 ? list : ['192.0.2.1'] },
  server: 's',
  ttlSeconds,
})
const absent = <T extends QueryType>(kind: 'nodata' | 'nxdomain', ttlSeconds: number): Keepable<T> => ({
  content: kind === 'nodata' ? { kind, proven: true } : { kind },
  server: 's',
  ttlSeconds,
})
const error = new ResolveError('failed', { code: 'ESERVFAIL', temporary: true })
/** Seconds. */
const at = (seconds: number): number => seconds * 1000

test('an answer lives for its TTL, to the second', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(10), at(100))
  assert.equal(cache.get('A', 'a.example', at(109.999))?.expiresAt, at(110))
  assert.equal(cache.get('A', 'a.example', at(110)), undefined)
})

test('TTL 0 is not cached (RFC 2181 8)', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(0), at(0))
  assert.equal(cache.get('A', 'a.example', at(0)), undefined)
  assert.equal(cache.size, 0)
})

test('record types of one name are cached separately', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(10), at(0))
  cache.put('AAAA', 'a.example', absent('nodata', 20), at(0))
  assert.equal(cache.get('A', 'a.example', at(0))?.content.kind, 'records')
  assert.equal(cache.get('AAAA', 'a.example', at(15))?.content.kind, 'nodata')
  assert.equal(cache.get('MX', 'a.example', at(0)), undefined)
})

test('NXDOMAIN for one type leaves the cached records of other types (RFC 4074 4.2)', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(100), at(0))
  cache.put('AAAA', 'a.example', absent('nxdomain', 60), at(0))
  assert.equal(cache.get('A', 'a.example', at(59))?.content.kind, 'records')
  assert.equal(cache.get('AAAA', 'a.example', at(59))?.content.kind, 'nxdomain')
  assert.equal(cache.get('MX', 'a.example', at(59)), undefined)
  cache.put('A', 'a.example', records(10), at(60))
  assert.equal(cache.get('A', 'a.example', at(60))?.content.kind, 'records')
})

test('a newer answer of a type replaces the older (RFC 2308 5)', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(100), at(0))
  cache.put('A', 'a.example', absent('nxdomain', 60), at(1))
  assert.equal(cache.get('A', 'a.example', at(2))?.content.kind, 'nxdomain')
  cache.put('A', 'a.example', records(10), at(3))
  assert.equal(cache.get('A', 'a.example', at(4))?.content.kind, 'records')
})

test('listing the entries does not count as a use', () => {
  const cache = cacheOf({ size: 2 })
  cache.put('A', 'a', records(10), at(0))
  cache.put('A', 'b', records(10), at(0))
  assert.equal([...cache.entries(at(0))].at(-1)?.name, 'a')
  cache.put('A', 'c', records(10), at(0))
  assert.deepEqual(
    [...cache.entries(at(0))].map(({ name }) => name),
    ['c', 'b'],
    'the one that was looked at last is still the least recently used',
  )
})

test('the number of entries is bounded, and the least recently used is dropped first', () => {
  const cache = cacheOf({ size: 3 })
  for (const name of ['a', 'b', 'c']) cache.put('A', name, records(10), at(0))
  cache.get('A', 'a', at(1))
  cache.put('MX', 'd', absent('nodata', 10), at(1))
  assert.deepEqual(
    [...cache.entries(at(1))].map(({ name }) => name),
    ['d', 'a', 'c'],
  )
  cache.fail('A', 'e', error, at(1))
  cache.put('A', 'f', absent('nxdomain', 10), at(1))
  assert.equal(cache.size, 3)
  assert.deepEqual(
    [...cache.entries(at(1))].map(({ name }) => name),
    ['f', 'd'],
  )
})

test('the order of use is right after random puts, hits and drops', () => {
  const cache = cacheOf({ size: 5 })
  let model: string[] = []
  let seed = 1
  for (let step = 0; step < 5000; step++) {
    seed = (seed * 48_271) % 2_147_483_647
    const name = `n${seed % 9}`
    switch (Math.floor(seed / 9) % 4) {
      case 0:
        cache.flush(name)
        model = model.filter((other) => other !== name)
        break
      case 1:
        if (cache.get('A', name, at(0)) !== undefined)
          model = [name, ...model.filter((other) => other !== name)]
        break
      default:
        cache.put('A', name, records(10), at(0))
        model = [name, ...model.filter((other) => other !== name)].slice(0, 5)
    }
    assert.deepEqual(
      [...cache.entries(at(0))].map((entry) => entry.name),
      model,
    )
    assert.equal(cache.size, model.length)
  }
})

test('with size 0 nothing is cached, not even failures', () => {
  const cache = cacheOf({ size: 0 })
  cache.put('A', 'a', records(10), at(0))
  cache.fail('A', 'b', error, at(0))
  assert.equal(cache.get('A', 'a', at(0)), undefined)
  assert.equal(cache.failure('A', 'b', at(0)), undefined)
  assert.equal(cache.size, 0)
})

test('a failure is cached for 1 s, then twice as long each time, at most 5 min (RFC 9520 3.2)', () => {
  const cache = cacheOf()
  let time = 0
  const lengths: number[] = []
  for (let i = 0; i < 11; i++) {
    cache.fail('A', 'a', error, at(time))
    let length = 1
    while (cache.failure('A', 'a', at(time + length)) !== undefined) length++
    lengths.push(length)
    time += length
  }
  assert.deepEqual(lengths, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
})

test('an old failure does not make the next one longer, and an answer resets the time', () => {
  const cache = cacheOf({ maxFailureTtlSeconds: 8 })
  for (let i = 0; i < 5; i++) cache.fail('A', 'a', error, at(0))
  assert.ok(cache.failure('A', 'a', at(7.9)))
  cache.fail('A', 'a', error, at(16))
  assert.equal(cache.failure('A', 'a', at(17)), undefined)
  cache.fail('A', 'a', error, at(17))
  cache.put('A', 'a', records(1), at(20))
  assert.equal(cache.failure('A', 'a', at(17)), undefined)
  cache.fail('A', 'a', error, at(21))
  assert.equal(cache.failure('A', 'a', at(22)), undefined)
})

test('a failure never replaces cached records', () => {
  const cache = cacheOf()
  cache.put('A', 'a', records(10), at(0))
  cache.fail('A', 'a', error, at(1))
  assert.equal(cache.get('A', 'a', at(9))?.content.kind, 'records')
})

test('expired records may be served for a while, negative answers never (RFC 8767 4)', () => {
  const cache = cacheOf({ serveStaleSeconds: 30 })
  cache.put('A', 'a', records(10), at(0))
  cache.put('A', 'b', absent('nxdomain', 10), at(0))
  cache.put('A', 'c', absent('nodata', 10), at(0))
  assert.equal(cache.get('A', 'a', at(10)), undefined)
  assert.ok(cache.stale('A', 'a', at(39.9)))
  assert.equal(cache.stale('A', 'a', at(40)), undefined)
  assert.equal(cache.stale('A', 'b', at(11)), undefined)
  assert.equal(cache.stale('A', 'c', at(11)), undefined)
  cache.put('A', 'a', absent('nxdomain', 10), at(12))
  assert.equal(cache.stale('A', 'a', at(23)), undefined, 'NXDOMAIN takes the place of the old records')
})

test('serve-stale is off by default', () => {
  const cache = cacheOf()
  cache.put('A', 'a', records(10), at(0))
  assert.equal(cache.stale('A', 'a', at(10)), undefined)
})

test('an entry is due for a refresh when the given percentage of its TTL is left', () => {
  const cache = cacheOf({ prefetchPercent: 10 })
  cache.put('A', 'a', records(100), at(0))
  assert.equal(cache.get('A', 'a', at(0))?.prefetchAt, at(90))
})

test('flush drops a name in all types, or everything', () => {
  const cache = cacheOf()
  cache.put('A', 'a', records(10), at(0))
  cache.put('MX', 'a', absent('nodata', 10), at(0))
  cache.fail('AAAA', 'a', error, at(0))
  cache.put('A', 'b', absent('nxdomain', 10), at(0))
  cache.flush('a')
  assert.equal(cache.size, 1)
  cache.flush()
  assert.equal(cache.size, 0)
  assert.deepEqual([...cache.entries(at(0))], [])
})
