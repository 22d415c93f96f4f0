import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createIdentity } from '../../lib/redis/host-identity'
import { MOST_LINES } from '../../lib/redis/hits-script'
import { PREFIX } from '../../lib/redis/keys'
import { type Hits, SharedHits } from '../../lib/redis/shared-hits'
import {
  connectTo,
  needsRedis,
  PATIENT,
  RedisServer,
  startPatient,
  startProxy,
} from '../support/redis-server'
import { until } from '../support/until'

const LINE = '0123456789abcdef'
const OTHER = 'fedcba9876543210'
const NOTHING: ReadonlyMap<string, Hits> = new Map()

/** The process of a server that counts, with so many workers. */
function startServer(t: TestContext, port: number, { workers = 2, patience = PATIENT } = {}): SharedHits {
  const { connection } = connectTo(t, port, {}, patience)
  const hits = new SharedHits({
    connection,
    identity: createIdentity(),
    workers: () => workers,
    now: Date.now,
    onChange: () => {},
  })
  t.after(() => hits.close())
  return hits
}

const totalsOf = (hits: SharedHits, own = NOTHING) =>
  new Map([...hits.totals(own)].filter((each) => each !== undefined))
const countOf = (hits: SharedHits, line = LINE) => totalsOf(hits).get(line)?.count

describe('hits of lines shared between servers', { skip: needsRedis() }, () => {
  it('are added up, with last use, start and servers', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [startServer(t, redis.port), startServer(t, redis.port, { workers: 3 })]
    const before = Date.now()
    a.add({ [LINE]: { count: 2, last: before - 60_000 }, [OTHER]: { count: 1, last: before } })
    b.add({ [LINE]: { count: 5, last: before - 1_000 } })
    await until(() => countOf(a) === 7 && countOf(b) === 7 && countOf(b, OTHER) === 1, 'the sums')
    // Later by the time that the way to Redis and back took.
    const lateMs = totalsOf(b).get(LINE)!.last - (before - 1_000)
    assert.ok(lateMs > -1_000 && lateMs < 55_000, `${lateMs} ms`)
    await until(() => a.sharing?.servers.length === 2, 'both servers')
    assert.deepEqual(a.sharing!.servers.map(({ workers }) => workers).toSorted(), [2, 3])
    assert.ok(Math.abs(a.sharing!.since - before) < 60_000)
    const keys = (await redis.command('KEYS', '*')) as readonly string[]
    for (const key of keys) {
      assert.match(key, /^dns_overrides:v1:hits/)
      assert.ok(Number(await redis.command('PTTL', key)) > 0)
    }
  })

  it('are counted once if a reply is lost, and sent again if Redis was down or empty', async (t) => {
    const redis = await RedisServer.start(t)
    const proxy = await startProxy(t, redis.port)
    const patience = startPatient()
    const server = startServer(t, proxy.port, { patience })
    await until(() => server.sharing !== undefined, 'an answer')
    proxy.mode = 'hang'
    patience.patienceMs = 100
    server.add({ [LINE]: { count: 3, last: Date.now() } })
    const inRedis = async () => redis.command('HGET', `${PREFIX}hits`, LINE)
    await until(async () => (await inRedis()) !== null, 'the hits')
    server.add({ [LINE]: { count: 4, last: Date.now() } })
    assert.equal(countOf(server), 7)
    proxy.mode = 'pass'
    patience.patienceMs = PATIENT.patienceMs
    await until(async () => String(await inRedis()).startsWith('7 '), 'all hits, each once')
    assert.equal(countOf(server), 7)

    await redis.command('FLUSHALL')
    server.add({ [LINE]: { count: 1, last: Date.now() } })
    await until(async () => String(await inRedis()).startsWith('1 '), 'a new beginning')
    const own = new Map([[LINE, { count: 8, last: Date.now() }]])
    assert.equal(totalsOf(server, own).get(LINE)!.count, 8)
  })

  it('are ignored if no server writes such values, and the oldest are dropped first', async (t) => {
    const redis = await RedisServer.start(t)
    const server = startServer(t, redis.port)
    server.add({ [LINE]: { count: 1, last: Date.now() } })
    await until(() => countOf(server) === 1 && server.sharing !== undefined, 'the hit')
    const [epoch] = String(await redis.command('HGET', `${PREFIX}hits`, 'state')).split(' ')
    const more = ['no line', '5 5', OTHER, 'many', 'state', `${epoch} 100`]
    await redis.command('HSET', `${PREFIX}hits`, ...more)
    await redis.command('ZADD', `${PREFIX}hits:changes`, '2', 'no line', '3', OTHER)
    await redis.command('HSET', `${PREFIX}hits:servers`, 'somebody', 'garbage')
    for (let from = 0; from < MOST_LINES; from += 5_000) {
      const lines = Array.from({ length: 5_000 }, (_, n) => ['10', `old${from + n}`])
      await redis.command('HSET', `${PREFIX}hits`, ...lines.flatMap(([, line]) => [line!, '1 1']))
      await redis.command('ZADD', `${PREFIX}hits:changes`, ...lines.flat())
    }
    const reader = startServer(t, redis.port)
    await until(() => reader.sharing !== undefined, 'an answer')
    assert.deepEqual(
      [...totalsOf(reader).keys()].filter((line) => !/^[\da-f]{16}$/.test(line)),
      [],
    )
    assert.equal(totalsOf(reader).get(OTHER), undefined)
    assert.equal(await redis.command('ZCARD', `${PREFIX}hits:changes`), MOST_LINES)
    assert.equal(await redis.command('HGET', `${PREFIX}hits`, LINE), null)
  })

  it('a number that is too large is replaced', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.command('HSET', `${PREFIX}hits`, 'state', `${Date.now()} 99999999999999999999`)
    const server = startServer(t, redis.port)
    server.add({ [LINE]: { count: 1, last: Date.now() } })
    await until(() => countOf(server) === 1 && server.sharing !== undefined, 'the hit')
  })

  it('of very many servers those that are gone are dropped', async (t) => {
    const redis = await RedisServer.start(t)
    const row = `${Date.now() - 60_000} 1 2 gone`
    const rows = Array.from({ length: 1_200 }, (_, n) => [`server${n}`, row])
    await redis.command('HSET', `${PREFIX}hits:servers`, ...rows.flat())
    const server = startServer(t, redis.port)
    await until(() => server.sharing !== undefined, 'an answer')
    assert.equal(await redis.command('HLEN', `${PREFIX}hits:servers`), 1)
  })

  it('a key of another type is replaced', async (t) => {
    const redis = await RedisServer.start(t)
    for (const key of ['hits', 'hits:changes', 'hits:servers']) {
      await redis.command('DEL', `${PREFIX}${key}`)
      await redis.command('SET', `${PREFIX}${key}`, 'text')
      const server = startServer(t, redis.port)
      server.add({ [LINE]: { count: 1, last: Date.now() } })
      await until(() => server.sharing !== undefined && countOf(server) === 1, `the hit after ${key}`)
      assert.notEqual(await redis.command('TYPE', `${PREFIX}${key}`), 'string')
      assert.match(String(await redis.command('HGET', `${PREFIX}hits`, LINE)), /^1 /)
      server.close()
      await redis.command('DEL', `${PREFIX}hits`)
    }
  })
})
