import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { RedisAnswerStore } from '../../lib/redis/answer-store'
import { ANSWER_PREFIX, ANSWERS_KEY } from '../../lib/redis/answers-scripts'
import { MOST_TROUBLES } from '../../lib/redis/breakers-script'
import type { RedisConnection } from '../../lib/redis/connection'
import { createIdentity } from '../../lib/redis/host-identity'
import { NO_MEMORY } from '../../lib/redis/host-memory'
import { MOST_LINES } from '../../lib/redis/hits-script'
import { PREFIX } from '../../lib/redis/keys'
import type { Script } from '../../lib/redis/script'
import { SharedBreakers } from '../../lib/redis/shared-breakers'
import { SharedHits } from '../../lib/redis/shared-hits'
import { SharedHolds } from '../../lib/redis/shared-holds'
import { SharedLimits } from '../../lib/redis/shared-limits'
import { SharedRotation } from '../../lib/redis/shared-rotation'
import { readHolds, writeHold } from '../../lib/relays/holds'
import { isPlace, LimitedPlaces } from '../../lib/relays/limited-places'
import { LocalLimits } from '../../lib/relays/local-limits'
import { LocalRotation } from '../../lib/relays/rotation'
import {
  connectTo,
  interceptRun,
  needsRedis,
  PATIENT,
  readRights,
  RedisServer,
} from '../support/redis-server'
import { until } from '../support/until'

const USER = 'haraka'
const PASSWORD = 'Passw0rd'
/** Not the one of every connection: it must be selected. */
const DATABASE = '3'
/** The most answers and holds that are kept over all servers. */
const MOST_ANSWERS = 50_000
const MOST_HOLDS = 1_000

/** Redis is full of what was shared before, so that room must be made. */
const FILL = `
redis.call('SELECT', ${DATABASE})
local now = redis.call('TIME')[1] * 1000
for i = 1, ${MOST_ANSWERS} do redis.call('ZADD', '${ANSWERS_KEY}', now + 3600000, '${ANSWER_PREFIX}' .. i) end
for i = 1, ${MOST_LINES} do redis.call('ZADD', '${PREFIX}hits:changes', i, i) end
redis.call('HSET', '${PREFIX}hits', 'state', '1 ${MOST_LINES}')
for i = 1, ${MOST_TROUBLES} do redis.call('ZADD', '${PREFIX}breakers:changes', i, i) end
redis.call('HSET', '${PREFIX}breakers', 'state', '1 ${MOST_TROUBLES} 0')
for i = 1, ${MOST_HOLDS} do redis.call('HSET', '${PREFIX}holds', i, '1 0 ') end
redis.call('HSET', '${PREFIX}hosts', '.', string.format('0 1 %.0f', now))
`

interface Call {
  readonly script: Script
  readonly keys: readonly string[]
  readonly values: readonly string[]
}

const settings = { username: USER, password: PASSWORD, database: DATABASE }

async function startRedis(t: TestContext): Promise<RedisServer> {
  const redis = await RedisServer.start(t, '--user', USER, 'on', `>${PASSWORD}`, ...readRights())
  await redis.command('EVAL', FILL, '0')
  await redis.command('CONFIG', 'RESETSTAT')
  return redis
}

/** Shares all that can be shared, and returns what Redis was asked. */
async function shareAll(t: TestContext, redis: RedisServer): Promise<readonly Call[]> {
  const { connection, said } = connectTo(t, redis.port, settings, PATIENT)
  const calls: Call[] = []
  const recorded = interceptRun(connection, (script, keys, values, onLate) => {
    calls.push({ script, keys, values })
    return connection.run(script, keys, values, onLate)
  })
  const monotonic = () => performance.now()
  await until(() => connection.isReady, 'Redis')
  await shareLimits(recorded, monotonic)
  await shareAnswers(recorded, monotonic)
  await shareBreakers(t, recorded, monotonic)
  await shareHits(t, recorded)
  await shareHolds(t, recorded)
  const rotation = new SharedRotation({ connection: recorded, local: new LocalRotation(1_000_000) })
  t.after(() => rotation.close())
  await until(() => rotation.next() < 1_000_000, 'a shared offset')
  assert.deepEqual(said, [])
  connection.close()
  return [...calls]
}

async function shareLimits(connection: RedisConnection, monotonic: () => number): Promise<void> {
  const identity = createIdentity()
  const shared = new SharedLimits({
    connection,
    identity,
    renew: createIdentity,
    memory: NO_MEMORY,
    monotonic,
  })
  const places = new LimitedPlaces({ service: new LocalLimits({ monotonic, lender: shared }), monotonic })
  await until(() => shared.isSettled, 'the limits')
  await until(async () => {
    const place = await places.take({ key: 'isp', maxConnections: 1, maxPerHour: 5 })
    if (isPlace(place)) place.giveBack(true)
    return isPlace(place)
  }, 'a place')
}

async function shareAnswers(connection: RedisConnection, monotonic: () => number): Promise<void> {
  const store = new RedisAnswerStore({ connection, monotonic })
  const find = async () => (await store.find('question'))?.text
  store.keep('question', { text: 'answer', leftMs: 3_600_000 }, false)
  await until(async () => (await find()) === 'answer', 'the answer')
}

async function shareBreakers(
  t: TestContext,
  connection: RedisConnection,
  monotonic: () => number,
): Promise<void> {
  const start = (name: string, failures: number) => {
    const breakers = new SharedBreakers({ connection, process: name, monotonic })
    t.after(() => breakers.close())
    const adopted: string[] = []
    const trouble = { failures, pauseMs: 60_000, openMs: 60_000, trialMs: 0, lastFailure: 'refused' }
    breakers.begin({
      trouble: () => (failures === 0 ? undefined : trouble),
      troubled: () => [],
      adopt: (key) => void adopted.push(key),
    })
    return { breakers, adopted }
  }
  const [a, b] = [start('a', 1), start('b', 0)]
  assert.equal(b.breakers.hasTrouble('server'), false)
  a.breakers.send('server')
  await until(() => b.breakers.hasTrouble('server'), 'the breaker')
  assert.equal(await a.breakers.askTrial('server'), undefined)
}

async function shareHits(t: TestContext, connection: RedisConnection): Promise<void> {
  const options = { connection, workers: () => 1, now: Date.now, onChange: () => {} }
  const start = () => {
    const hits = new SharedHits({ ...options, identity: createIdentity() })
    t.after(() => hits.close())
    return hits
  }
  const one = start()
  one.add({ '0123456789abcdef': { count: 1, last: Date.now() } })
  await until(() => one.sharing !== undefined, 'the hits')
}

async function shareHolds(t: TestContext, connection: RedisConnection): Promise<void> {
  const start = () => {
    const parent = mkdtempSync(join(tmpdir(), 'rights-'))
    const folder = join(parent, 'state')
    mkdirSync(folder, { mode: 0o700 })
    const holds = new SharedHolds({ connection, folder, now: Date.now, monotonic: () => performance.now() })
    t.after(() => {
      holds.close()
      rmSync(parent, { recursive: true, force: true })
    })
    return folder
  }
  const [a, b] = [start(), start()]
  writeHold(a, { name: 'isp', since: 1 })
  await until(() => readHolds(b, Date.now()).has('isp'), 'the hold')
}

/** Commands that Redis has run since the last `CONFIG RESETSTAT`, but those of the test, and those that need no right. */
async function commandsRun(redis: RedisServer): Promise<readonly string[]> {
  const stats = String(await redis.command('INFO', 'commandstats'))
  const names = [...stats.matchAll(/^cmdstat_([\w|-]+):/gm)].map(([, name]) => name!)
  return names.filter((name) => !['hello', 'auth', 'config|resetstat', 'info'].includes(name))
}

/** How many of these fail, one after the other, with a new connection. */
async function replay(t: TestContext, redis: RedisServer, calls: readonly Call[]) {
  const { connection, said } = connectTo(t, redis.port, settings, PATIENT)
  await until(() => connection.isReady || said.length > 0, 'a connection')
  let failed = 0
  for (const { script, keys, values } of calls) {
    await connection.run(script, keys, values).catch(() => failed++)
  }
  connection.close()
  return { failed, said }
}

describe('the rights that docs/operations.md lists', { skip: needsRedis() }, () => {
  it('are sufficient, and without one of them something fails with a log line that says why', async (t) => {
    const redis = await startRedis(t)
    const calls = await shareAll(t, redis)
    const rights = readRights()
    const commands = rights.filter((right) => right.startsWith('+')).map((right) => right.slice(1))
    assert.deepEqual([...(await commandsRun(redis))].sort(), commands.toSorted())
    for (const right of rights) {
      await redis.command('FLUSHALL')
      await redis.command('SCRIPT', 'FLUSH')
      await redis.command('EVAL', FILL, '0')
      const taken = right.startsWith('+') ? `-${right.slice(1)}` : 'resetkeys'
      await redis.command('ACL', 'SETUSER', USER, taken)
      const { failed, said } = await replay(t, redis, calls)
      assert.ok(failed > 0, right)
      assert.match(said[0] ?? '', /^gone: (?:NOPERM|ERR The user executing|ERR ACL failure)/, right)
      await redis.command('ACL', 'SETUSER', USER, right)
    }
  })
})
