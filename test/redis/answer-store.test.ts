import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Resolver } from '../../lib/dns/resolver'
import { RedisAnswerStore } from '../../lib/redis/answer-store'
import { FIND } from '../../lib/redis/answers-scripts'
import type { RedisConnection } from '../../lib/redis/connection'
import { PREFIX } from '../../lib/redis/keys'
import { testResolver, type TestResolverOptions } from '../support/dns-resolver'
import { a, fails, mx, startZone, type ZoneData, type ZoneServer } from '../support/dns-scripted'
import {
  connectTo,
  interceptRun,
  needsRedis,
  PATIENT,
  RedisServer,
  startPatient,
  startProxy,
} from '../support/redis-server'
import { until } from '../support/until'

/** The most answers that are kept over all servers. */
const MOST_ANSWERS = 50_000

const TABLE: Record<string, readonly ZoneData[]> = {
  'example.com': [mx(10, 'mx.example.com')],
  'mx.example.com': [a('192.0.2.1'), a('2001:db8::1')],
  'short.example': [mx(10, 'mx.example.com', 1)],
  'broken.example': [fails()],
  'refused.example': [fails('REFUSED')],
}

const monotonic = () => performance.now()

async function connect(
  t: TestContext,
  { port }: { readonly port: number },
  patience = PATIENT,
): Promise<RedisConnection> {
  const { connection } = connectTo(t, port, {}, patience)
  await until(() => connection.isReady, 'a connection')
  return connection
}

/** A process with a resolver of its own. */
async function startProcess(
  t: TestContext,
  redis: { readonly port: number },
  zone: ZoneServer,
  { machine = 'here', ...rest }: TestResolverOptions & { readonly machine?: string } = {},
): Promise<Resolver> {
  const connection = await connect(t, redis)
  const store = new RedisAnswerStore({ connection, monotonic })
  const resolver = testResolver([zone.server], { sharing: { store, machine }, ...rest })
  t.after(() => resolver.close())
  return resolver
}

async function setUp(t: TestContext): Promise<{ redis: RedisServer; zone: ZoneServer }> {
  const redis = await RedisServer.start(t)
  const zone = await startZone(TABLE, { ttl: 300 })
  t.after(() => zone.stop())
  return { redis, zone }
}

const answersIn = async (redis: RedisServer) => Number(await redis.command('ZCARD', `${PREFIX}answers`))

/** Keys of answers. */
const keysIn = async (redis: RedisServer) =>
  (await redis.command('KEYS', `${PREFIX}answer:*`)) as readonly string[]

async function scriptsRun(redis: RedisServer): Promise<number> {
  const text = String(await redis.command('INFO', 'commandstats'))
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0)
}

describe('DNS answers shared between processes', { skip: needsRedis() }, () => {
  it('a new process finds the answers of others, with the remaining TTL, and asks no DNS server', async (t) => {
    const { redis, zone } = await setUp(t)
    const first = await startProcess(t, redis, zone)
    const asked = ['MX example.com', 'A mx.example.com', 'AAAA mx.example.com', 'MX none.example']
    const learn = async (resolver: Resolver) => [
      await resolver.mx('example.com'),
      await resolver.addresses('mx.example.com', 'v4'),
      await resolver.mx('none.example'),
    ]
    const fresh = await learn(first)
    await until(async () => (await answersIn(redis)) === asked.length, 'the answers')
    const second = await startProcess(t, redis, zone)
    const known = await learn(second)
    assert.deepEqual(zone.asked, asked)
    for (const [index, answer] of known.entries()) {
      assert.ok(answer.kind !== 'failed')
      const { how, ttlSeconds, ...rest } = answer
      assert.equal(how, 'cached')
      assert.ok(ttlSeconds > 0 && ttlSeconds <= (index === 2 ? 60 : 300))
      assert.deepEqual({ ...rest, how: 'fresh', ttlSeconds: index === 2 ? 60 : 300 }, fresh[index])
    }
    const { shared, misses, hits } = second.stats()
    assert.deepEqual({ shared, misses, hits }, { shared: 4, misses: 0, hits: 0 })
  })

  it('a known answer needs no Redis command, and both families of a host are one command', async (t) => {
    const { redis, zone } = await setUp(t)
    const resolver = await startProcess(t, redis, zone)
    await resolver.mx('example.com')
    await resolver.addresses('mx.example.com', 'v4')
    await until(async () => (await answersIn(redis)) === 3, 'the answers')
    const before = await scriptsRun(redis)
    for (let message = 0; message < 1_000; message++) {
      await resolver.mx('example.com')
      await resolver.addresses('mx.example.com', 'v4')
    }
    assert.equal(await scriptsRun(redis), before)
    const cold = await startProcess(t, redis, zone)
    await cold.addresses('mx.example.com', 'v4')
    assert.equal(await scriptsRun(redis), before + 1)
  })

  it('a key reveals nothing, and expires with its answer', async (t) => {
    const { redis, zone } = await setUp(t)
    const resolver = await startProcess(t, redis, zone)
    await Promise.all(['example.com', 'none.example'].map((name) => resolver.mx(name)))
    await until(async () => (await answersIn(redis)) === 2, 'the answers')
    const keys = await keysIn(redis)
    for (const key of keys) assert.match(key, /^dns_overrides:v1:answer:[\w-]{22}$/)
    const lives = await Promise.all(keys.map(async (key) => Number(await redis.command('PTTL', key))))
    const [one = 0, two = 0] = lives.toSorted((x, y) => x - y)
    assert.ok(one > 0 && one <= 60_000 && two > 60_000 && two <= 300_000)
    await resolver.mx('short.example')
    await until(async () => (await answersIn(redis)) === 3, 'the one that lives for a second')
    await until(async () => (await keysIn(redis)).length === 2, 'its end')
    assert.ok(Number(await redis.command('PTTL', `${PREFIX}answers`)) > 0)
  })

  it('a failure stated by the server is shared for its short time, and never replaces an answer', async (t) => {
    const { redis, zone } = await setUp(t)
    const tuning = { failureTtlSeconds: 30 }
    const [first, second] = await Promise.all([
      startProcess(t, redis, zone, { tuning }),
      startProcess(t, redis, zone, { tuning }),
    ])
    assert.equal((await first.mx('broken.example')).kind, 'failed')
    assert.equal((await first.mx('refused.example')).kind, 'failed')
    await until(async () => (await answersIn(redis)) === 1, 'the failure')
    const asked = zone.asked.length
    const answer = await second.mx('broken.example')
    assert.ok(answer.kind === 'failed')
    assert.equal(answer.error.code, 'ESERVFAIL')
    assert.equal(zone.asked.length, asked)
    // A refusal may be meant for the other host alone.
    await second.mx('refused.example')
    assert.equal(zone.asked.length, asked + 1)

    const store = new RedisAnswerStore({ connection: await connect(t, redis), monotonic })
    const write = (text: string, replaces: boolean) => store.keep('name', { text, leftMs: 600_000 }, replaces)
    write('first failure', false)
    await until(async () => (await store.find('name'))?.text === 'first failure', 'the failure')
    write('answer', true)
    await until(async () => (await store.find('name'))?.text === 'answer', 'the answer')
    write('second failure', false)
    store.keep('last', { text: 'last', leftMs: 600_000 }, true)
    await until(async () => (await store.find('last')) !== undefined, 'what was written with it')
    assert.equal((await store.find('name'))?.text, 'answer')
    // Nor of one that is not written yet.
    write('another answer', true)
    write('third failure', false)
    await until(async () => (await store.find('name'))?.text === 'another answer', 'the other answer')
  })

  it('answers of other DNS servers, zones, or another machine on loopback are not mixed', async (t) => {
    const { redis, zone } = await setUp(t)
    const other = await startZone({ 'example.com': [mx(10, 'internal.example.com')] })
    t.after(() => other.stop())
    const exchange = async (resolver: Resolver) => {
      const answer = await resolver.mx('example.com')
      return answer.kind === 'mx' ? answer.records[0]!.exchange : answer.kind
    }
    assert.equal(await exchange(await startProcess(t, redis, zone)), 'mx.example.com')
    await until(async () => (await answersIn(redis)) === 1, 'the answer')
    assert.equal(await exchange(await startProcess(t, redis, other)), 'internal.example.com')
    const zones = [{ domain: 'corp.internal', servers: [other.server] }]
    const processes = [{ machine: 'elsewhere' }, { zones }, {}]
    for (const [count, options] of processes.entries()) {
      const resolver = await startProcess(t, redis, zone, options)
      assert.equal(await exchange(resolver), 'mx.example.com')
      assert.equal(resolver.stats().shared, count === 2 ? 1 : 0)
    }
  })

  it('when there are too many answers those that end first are dropped', async (t) => {
    const { redis, zone } = await setUp(t)
    const index = `${PREFIX}answers`
    for (let from = 0; from < MOST_ANSWERS; from += 5_000) {
      const members = Array.from({ length: 5_000 }, (_, n) => [
        String(Date.now() + 400_000 + from + n),
        `${PREFIX}answer:${from + n}`,
      ])
      await redis.command('ZADD', index, ...members.flat())
    }
    await redis.command('ZADD', index, String(Date.now() + 1_000), 'of-somebody-else')
    await redis.command('SET', 'of-somebody-else', '1')
    const resolver = await startProcess(t, redis, zone)
    await resolver.mx('example.com')
    await until(async () => (await redis.command('ZSCORE', index, 'of-somebody-else')) === null, 'the bound')
    assert.equal(await answersIn(redis), MOST_ANSWERS)
    assert.equal((await keysIn(redis)).length, 0)
    assert.equal(await redis.command('GET', 'of-somebody-else'), '1')
  })

  it('garbage and other types under our keys are ignored and replaced', async (t) => {
    const { redis, zone } = await setUp(t)
    await (await startProcess(t, redis, zone)).mx('example.com')
    await until(async () => (await answersIn(redis)) === 1, 'the answer')
    const [key = ''] = await keysIn(redis)
    const good = String(await redis.command('GET', key))
    for (const spoil of [
      ['SET', key, good.replace('mx.example.com', '192.0.2.66'), 'PX', '100000'],
      ['SET', key, 'x'.repeat(100_000), 'PX', '100000'],
      ['SET', key, good],
      ['HSET', key, 'field', '1'],
      ['SADD', key, '1'],
      ['SADD', key, '2'],
    ]) {
      await redis.command('DEL', key, `${PREFIX}answers`)
      await redis.command(...spoil)
      // What was not written here may never expire.
      if (spoil[0] !== 'SET' && spoil[2] !== '2') await redis.command('PEXPIRE', key, '100000')
      await redis.command('SET', `${PREFIX}answers`, 'no index')
      const before = zone.asked.length
      const resolver = await startProcess(t, redis, zone)
      const answer = await resolver.mx('example.com')
      assert.ok(answer.kind === 'mx')
      assert.deepEqual(answer.records, [{ priority: 10, exchange: 'mx.example.com' }])
      assert.equal(zone.asked.length, before + 1)
      await until(async () => (await redis.command('TYPE', `${PREFIX}answers`)) === 'zset', 'the index')
      assert.equal(await redis.command('GET', key), good)
    }
  })

  it('a TTL from Redis is capped at the setting', async (t) => {
    const { redis, zone } = await setUp(t)
    await (await startProcess(t, redis, zone)).mx('none.example')
    await until(async () => (await answersIn(redis)) === 1, 'the answer')
    const [key = ''] = await keysIn(redis)
    await redis.command('PEXPIRE', key, '99999999999')
    const answer = await (await startProcess(t, redis, zone)).mx('none.example')
    assert.ok(answer.kind === 'nxdomain')
    assert.equal(answer.ttlSeconds, 3600)
  })

  it('Redis that hangs is asked by the first lookup, and not by later ones', async (t) => {
    const { redis, zone } = await setUp(t)
    const proxy = await startProxy(t, redis.port)
    const patience = startPatient()
    const connection = await connect(t, proxy, patience)
    let searches = 0
    const counted = interceptRun(connection, (script, ...rest) => {
      if (script.name === FIND.name) searches++
      return connection.run(script, ...rest)
    })
    const store = new RedisAnswerStore({ connection: counted, monotonic })
    const resolver = testResolver([zone.server], { sharing: { store, machine: 'here' } })
    t.after(() => resolver.close())
    const look = async (name: string) => assert.equal((await resolver.mx(name)).kind, 'nxdomain')
    await look('none1.example')
    assert.equal(searches, 1)
    proxy.mode = 'hang'
    patience.patienceMs = 100
    await look('none2.example')
    assert.equal(searches, 2)
    const { serial } = connection
    assert.equal(store.find('anything'), undefined)
    await Promise.all(Array.from({ length: 50 }, (_, n) => look(`none${n + 3}.example`)))
    await redis.kill()
    await look('none100.example')
    // After three seconds of silence there is another connection. That it hangs too is found out by one lookup.
    assert.ok(searches - 2 <= connection.serial - serial, `${searches} searches`)
    assert.equal(resolver.stats().shared, 0)
  })

  it('after a flush all answers are sent again, and a full Redis can still be read', async (t) => {
    const { redis, zone } = await setUp(t)
    const first = await startProcess(t, redis, zone)
    await first.mx('example.com')
    await until(async () => (await answersIn(redis)) === 1, 'the answer')
    await redis.command('FLUSHALL')
    await (await startProcess(t, redis, zone)).mx('example.com')
    await until(async () => (await answersIn(redis)) === 1, 'the answer again')
    assert.equal(zone.asked.length, 2)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const third = await startProcess(t, redis, zone)
    assert.equal((await third.mx('example.com')).kind, 'mx')
    assert.equal((await third.mx('none.example')).kind, 'nxdomain')
    assert.equal(zone.asked.length, 3)
  })
})
