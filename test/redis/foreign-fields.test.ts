import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { RedisAnswerStore } from '../../lib/redis/answer-store'
import { MOST_TROUBLES } from '../../lib/redis/breakers-script'
import { createIdentity } from '../../lib/redis/host-identity'
import { MOST_LINES } from '../../lib/redis/hits-script'
import { hashName, PREFIX } from '../../lib/redis/keys'
import { MOST_HOSTS, MOST_ROWS } from '../../lib/redis/limits-hosts-script'
import { SharedHits } from '../../lib/redis/shared-hits'
import { SharedHolds } from '../../lib/redis/shared-holds'
import type { Limits } from '../../lib/relays/limit-types'
import { readHolds, writeHold } from '../../lib/relays/holds'
import { BREAKERS_KEY, failAt, isp, isUsable, startBreakerHost } from '../support/breaker-hosts'
import { startPair } from '../support/joined-hosts'
import type { LimitWorld } from '../support/limit-world'
import { connectTo, needsRedis, PATIENT, RedisServer } from '../support/redis-server'
import { until } from '../support/until'

/* Another program writes beside this one, and what it writes looks right: a script that reads all of it would hold up everyone. */

const SECOND = 1_000
const MINUTE = 60_000
/** More than any key has. */
const VERY_MANY = 60_000

const monotonic = () => performance.now()

/** Adds so many fields or members. */
async function add(redis: RedisServer, command: string, key: string, pair: (n: number) => [string, string]) {
  for (let from = 0; from < VERY_MANY; from += 5_000) {
    const pairs = Array.from({ length: 5_000 }, (_, n) => pair(from + n))
    await redis.command(command, `${PREFIX}${key}`, ...pairs.flat())
  }
}

const sizeOf = async (redis: RedisServer, command: 'HLEN' | 'ZCARD', key: string) =>
  Number(await redis.command(command, `${PREFIX}${key}`))

async function connect(t: TestContext, { port }: RedisServer) {
  const { connection } = connectTo(t, port, {}, PATIENT)
  await until(() => connection.isReady, 'a connection')
  return connection
}

/** The time in Redis. */
const timeOf = async (world: LimitWorld) => Number(await world.redis.command('GET', 'clock'))

describe('fields that others add to the keys', { skip: needsRedis() }, () => {
  it('do not break a limit, and do not use it up', async (t) => {
    const limits: Limits = { key: 'isp', maxConnections: 3, maxPerHour: 10 }
    const [world, a, b] = await startPair(t)
    const rows = `limit:${hashName(limits.key)}`
    assert.ok((await a.take(limits)).granted)
    await world.pass(SECOND, SECOND / 4)
    const now = await timeOf(world)
    await add(world.redis, 'HSET', rows, (n) => [`row${n}`, `${now} 1 1 1 0 0 0`])
    await add(world.redis, 'HSET', 'hosts', (n) => [`host${n}`, `${now} ${now} 1 0 1 1 0 0 0 1 i name`])
    await add(world.redis, 'HSET', 'short', (n) => [`short${n}`, String(now)])
    await b.takeAll(limits)
    // The world fails when a limit is broken.
    await world.pass(10 * SECOND, SECOND / 4)
    assert.ok((await sizeOf(world.redis, 'HLEN', rows)) <= MOST_ROWS)
    assert.ok((await sizeOf(world.redis, 'HLEN', 'hosts')) <= MOST_HOSTS)
    for (const message of [...a.messages, ...b.messages]) message.host.end(message, true)
    await world.pass(MINUTE, SECOND)
    assert.ok(a.shared.isSettled && b.shared.isSettled)
    assert.equal(await b.takeAll(limits), 3)
    assert.ok((await sizeOf(world.redis, 'HLEN', 'short')) <= 1_000)
  })

  it('do not hide a hold', async (t) => {
    const redis = await RedisServer.start(t)
    const connection = await connect(t, redis)
    const start = () => {
      const folder = join(mkdtempSync(join(tmpdir(), 'foreign-')), 'state')
      mkdirSync(folder, { mode: 0o700 })
      const holds = new SharedHolds({ connection, folder, now: Date.now, monotonic })
      t.after(() => {
        holds.close()
        rmSync(join(folder, '..'), { recursive: true, force: true })
      })
      return folder
    }
    const a = start()
    writeHold(a, { name: 'isp', since: 1 })
    await until(async () => (await sizeOf(redis, 'HLEN', 'holds')) === 1, 'the hold')
    await add(redis, 'HSET', 'holds', (n) => [`hold${n}`, `${Date.now()} 0 `])
    await until(async () => (await sizeOf(redis, 'HLEN', 'holds')) === 1, 'a new beginning')
    const b = start()
    await until(() => readHolds(b, Date.now()).has('isp'), 'the hold')
    assert.ok(readHolds(a, Date.now()).has('isp'))
  })

  it('do not end a breaker', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failAt(a, isp)
    await until(() => !isUsable(b), 'the breaker')
    for (const [command, key, most] of [
      ['HSET', 'breakers', MOST_TROUBLES + 1],
      ['ZADD', 'breakers:changes', MOST_TROUBLES],
    ] as const) {
      await add(redis, command, key, (n) =>
        command === 'HSET' ? [`f${n}`, '1 1 1 0 - x'] : [`${n}`, `f${n}`],
      )
      const size = () => sizeOf(redis, command === 'HSET' ? 'HLEN' : 'ZCARD', key)
      await until(async () => (await size()) <= most, 'a new beginning')
      const isTold = async () =>
        (await redis.command('HEXISTS', BREAKERS_KEY, hashName('smtp.example:25'))) === 1
      await until(isTold, 'the breaker')
    }
    assert.ok(!isUsable(a) && !isUsable(b))
    const late = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(late), 'the breaker')
  })

  it('do not end the counting of hits', async (t) => {
    const redis = await RedisServer.start(t)
    const connection = await connect(t, redis)
    const line = '0123456789abcdef'
    const options = { connection, identity: createIdentity(), workers: () => 1, now: Date.now }
    const hits = new SharedHits({ ...options, onChange: () => {} })
    t.after(() => hits.close())
    await until(() => hits.sharing !== undefined, 'an answer')
    await add(redis, 'HSET', 'hits:servers', (n) => [`server${n}`, `${Date.now()} 1 1 name`])
    await add(redis, 'ZADD', 'hits:changes', (n) => [n % 2 === 0 ? '0.5' : '1e300', `line${n}`])
    hits.add({ [line]: { count: 7, last: Date.now() } })
    const isCounted = async () => String(await redis.command('HGET', `${PREFIX}hits`, line)).startsWith('7 ')
    await until(isCounted, 'the hits')
    await until(() => hits.sharing!.servers.length === 1, 'the servers')
    await until(() => [...hits.totals(new Map())].length === 1, 'the sum')
    // A call drops some of them.
    await until(async () => (await sizeOf(redis, 'ZCARD', 'hits:changes')) <= MOST_LINES, 'the bound')
  })

  it('do not push out the answers of DNS', async (t) => {
    const redis = await RedisServer.start(t)
    const connection = await connect(t, redis)
    const store = new RedisAnswerStore({ connection, monotonic })
    await add(redis, 'ZADD', 'answers', (n) => [String(Date.now() + 1e9 + n), `answer${n}`])
    store.keep('name', { text: 'answer', leftMs: 600_000 }, true)
    await until(async () => (await store.find('name'))?.text === 'answer', 'the answer')
    assert.equal(await sizeOf(redis, 'ZCARD', 'answers'), 1)
  })
})
