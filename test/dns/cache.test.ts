import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnswerCache, type CacheOptions, type Keepable } from '../../lib/dns/cache'
import { ResolveError } from '../../lib/model/errors'

const OPTIONS: CacheOptions = { size: 100, prefetch: 0, serveStale: 0, failureTtl: 1, maxFailureTtl: 300 }
const cacheOf = (options: Partial<CacheOptions> = {}) => new AnswerCache({ ...OPTIONS, ...options })
const records = (ttl: number, ...list: string[]): Keepable => ({
  kind: 'records',
  records: list.length > 0 ? list : ['192.0.2.1'],
  server: 's',
  ttl,
})
const absent = (kind: 'nodata' | 'nxdomain', ttl: number): Keepable => ({
  kind,
  records: [],
  server: 's',
  ttl,
})
const error = new ResolveError('failed', { code: 'ESERVFAIL', temporary: true })
/** Seconds. */
const at = (seconds: number): number => seconds * 1000

test('behaviour 6: an answer lives for its TTL, to the second', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(10), at(100))
  assert.equal(cache.get('A', 'a.example', at(109.999))?.expires, at(110))
  assert.equal(cache.get('A', 'a.example', at(110)), undefined)
})

test('behaviour 6: TTL 0 is not kept (RFC 2181 8)', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(0), at(0))
  assert.equal(cache.get('A', 'a.example', at(0)), undefined)
  assert.equal(cache.size, 0)
})

test('types of one name are remembered apart', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(10), at(0))
  cache.put('AAAA', 'a.example', absent('nodata', 20), at(0))
  assert.equal(cache.get('A', 'a.example', at(0))?.kind, 'records')
  assert.equal(cache.get('AAAA', 'a.example', at(15))?.kind, 'nodata')
  assert.equal(cache.get('MX', 'a.example', at(0)), undefined)
})

test('behaviour 7: NXDOMAIN covers every type, and the newer word counts (RFC 2308 5, RFC 8020)', () => {
  const cache = cacheOf()
  cache.put('A', 'a.example', records(100), at(0))
  cache.put('MX', 'a.example', absent('nxdomain', 60), at(0))
  for (const type of ['MX', 'A', 'AAAA'] as const) {
    assert.equal(cache.get(type, 'a.example', at(59))?.kind, 'nxdomain', type)
  }
  assert.equal(cache.get('A', 'a.example', at(60)), undefined)
  cache.put('MX', 'b.example', absent('nxdomain', 60), at(0))
  cache.put('A', 'b.example', records(10), at(0))
  assert.equal(cache.get('A', 'b.example', at(0))?.kind, 'records')
  assert.equal(cache.get('MX', 'b.example', at(0)), undefined)
})

test('behaviour 6: the size bounds the entries; the least recently used goes first', () => {
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

test('the order of use holds through any order of puts, hits and drops', () => {
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

test('size 0: nothing is kept, failures neither', () => {
  const cache = cacheOf({ size: 0 })
  cache.put('A', 'a', records(10), at(0))
  cache.fail('A', 'b', error, at(0))
  assert.equal(cache.get('A', 'a', at(0)), undefined)
  assert.equal(cache.failure('A', 'b', at(0)), undefined)
  assert.equal(cache.size, 0)
})

test('behaviour 7: a failure is kept 1 s, twice as long each time, at most 5 min (RFC 9520 3.2)', () => {
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

test('behaviour 7: a failure long ago does not make the next one longer; an answer forgets it', () => {
  const cache = cacheOf({ maxFailureTtl: 8 })
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

test('behaviour 7: a failure never goes over good data', () => {
  const cache = cacheOf()
  cache.put('A', 'a', records(10), at(0))
  cache.fail('A', 'a', error, at(1))
  assert.equal(cache.get('A', 'a', at(9))?.kind, 'records')
})

test('behaviour 10: what is out of date may be served so long, an absence never (RFC 8767 4)', () => {
  const cache = cacheOf({ serveStale: 30 })
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

test('serve-stale is off without seconds', () => {
  const cache = cacheOf()
  cache.put('A', 'a', records(10), at(0))
  assert.equal(cache.stale('A', 'a', at(10)), undefined)
})

test('the time to ask again is a percentage before the end', () => {
  const cache = cacheOf({ prefetch: 10 })
  cache.put('A', 'a', records(100), at(0))
  assert.equal(cache.get('A', 'a', at(0))?.prefetchAt, at(90))
})

test('flush forgets a name in all types, or everything', () => {
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
