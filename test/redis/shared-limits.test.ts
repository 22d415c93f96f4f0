import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashName, PREFIX } from '../../lib/redis/keys'
import { isPlace } from '../../lib/relays/limited-places'
import { Gauge, type LimitHost, sendMessages, startHost, takePlace, tryTake } from '../support/limit-hosts'
import { needsRedis, RedisServer } from '../support/redis-server'
import { until } from '../support/until'

const three = { key: 'isp', maxConnections: 3 }
const few = (most: number) => () => 1 + Math.random() * most

/** A Redis that hosts have used for long: one that is new lends nothing in its first seconds. */
async function startRedis(t: TestContext): Promise<RedisServer> {
  const redis = await RedisServer.start(t)
  await redis.command('HSET', `${PREFIX}hosts`, '.', `0 1 ${Date.now()}`)
  return redis
}

const startHosts = (
  t: TestContext,
  { port }: RedisServer,
  options?: Parameters<typeof startHost>[2],
): Promise<[LimitHost, LimitHost]> => Promise.all([startHost(t, port, options), startHost(t, port, options)])

const commands = async (redis: RedisServer): Promise<number> =>
  Number(/total_commands_processed:(\d+)/.exec(String(await redis.command('INFO', 'stats')))![1])

describe('limits shared between hosts', { skip: needsRedis() }, () => {
  it('500 messages of two hosts never use a fourth connection', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = await startHosts(t, redis)
    const gauge = new Gauge()
    const from = performance.now()
    const before = await commands(redis)
    const work = { messages: 250, threads: 8, holdMs: few(6) }
    await Promise.all([a, b].map((host) => sendMessages(host, three, gauge, work)))
    t.diagnostic(`${Math.round(performance.now() - from)} ms, ${(await commands(redis)) - before} commands`)
    assert.equal(gauge.sent, 500)
    assert.equal(gauge.most, 3)
  })

  it('one connection is passed from host to host', async (t) => {
    const redis = await startRedis(t)
    const hosts = await startHosts(t, redis)
    const one = { key: 'isp', maxConnections: 1 }
    const gauge = new Gauge()
    const work = { messages: 40, threads: 2, holdMs: few(4) }
    const from = performance.now()
    await Promise.all(hosts.map((host) => sendMessages(host, one, gauge, work)))
    t.diagnostic(`${Math.round(performance.now() - from)} ms`)
    assert.equal(gauge.sent, 80)
    assert.equal(gauge.most, 1)
  })

  it('no limit is exceeded while Redis is killed, flushed, paused and restarted', async (t) => {
    const redis = await startRedis(t)
    const hosts = await startHosts(t, redis, { patience: { patienceMs: 100 } })
    const gauge = new Gauge()
    const rest = new AbortController()
    const areBack = () => hosts.every(({ said }) => said.length % 2 === 0)
    const faults = async () => {
      for (const fault of ['flush', 'kill', 'pause', 'flush', 'kill', 'stop', 'pause']) {
        await sleep(300)
        if (fault === 'flush') await redis.command('FLUSHALL')
        else if (fault === 'pause') await redis.command('CLIENT', 'PAUSE', '250')
        else if (fault === 'stop') {
          process.kill(redis.pid, 'SIGSTOP')
          await sleep(200)
          process.kill(redis.pid, 'SIGCONT')
        } else {
          // Each host must see both kills: on a busy machine one may still be without Redis from the first.
          await until(areBack, 'Redis')
          await redis.kill()
          await sleep(200)
          await redis.start()
        }
      }
      // A Redis that is new lends nothing in its first seconds.
      await until(() => gauge.sent > 100, 'the messages after all that')
      rest.abort()
    }
    const work = { messages: 10, threads: 6, holdMs: few(20) }
    const send = async (index: number) => {
      while (!rest.signal.aborted) await sendMessages(hosts[index]!, three, gauge, work)
    }
    await Promise.all([faults(), send(0), send(1)])
    t.diagnostic(`${gauge.sent} sent; ${hosts[0]!.said.join(', ')}`)
    assert.equal(gauge.most, 3)
    assert.ok(gauge.sent > 100, String(gauge.sent))
    await until(() => hosts.every(({ said }) => said.at(-1) === 'back'), 'Redis')
    assert.ok(hosts.every(({ said }) => said.length >= 4 && said.length % 2 === 0))
  })

  it('the messages of an hour are exact over hosts', async (t) => {
    const redis = await startRedis(t)
    const hosts = await Promise.all([startHosts(t, redis), startHost(t, redis.port)]).then((all) =>
      all.flat(),
    )
    const limits = { key: 'isp', maxConnections: 4, maxPerHour: 37 }
    const gauge = new Gauge()
    const work = { messages: 30, threads: 3, holdMs: few(3) }
    const send = () => Promise.all(hosts.map((host) => sendMessages(host, limits, gauge, work)))
    await until(async () => {
      await send()
      return gauge.sent >= 37
    }, 'all of them')
    await send()
    assert.equal(gauge.sent, 37)
    const refused = await tryTake(hosts[0]!, limits)
    assert.ok(!isPlace(refused) && refused.why === 'quota')
    const waitMs = refused.until - performance.now()
    assert.ok(waitMs > 3_500_000 && waitMs < 3_620_000, String(waitMs))
  })

  it('without Redis a host keeps to its share, and messages in progress count when it is back', async (t) => {
    const redis = await startRedis(t)
    const [a, b] = await startHosts(t, redis)
    const limits = { key: 'isp', maxConnections: 4, maxPerHour: 100 }
    const kept = [await takePlace(a, limits), await takePlace(a, limits), await takePlace(a, limits)]
    await takePlace(b, limits)
    await redis.kill()
    await until(() => !a.shared.isShared && !b.shared.isShared, 'the loss')
    assert.ok(!isPlace(await tryTake(a, limits)), 'it has three, its share is two')
    assert.ok(!isPlace(await tryTake(b, limits)), 'others may still have what they had')
    for (const place of kept.slice(0, 2)) place!.giveBack(true)
    assert.ok(isPlace(await tryTake(a, limits)), 'within its share')
    await redis.start()
    await until(() => a.shared.isShared && b.shared.isShared, 'Redis')
    await takePlace(b, limits)
    assert.ok(!isPlace(await tryTake(b, limits)), 'two and two')
  })

  it('a host has its share of the hour for a section that was unused when Redis was lost', async (t) => {
    const redis = await startRedis(t)
    const hosts = await startHosts(t, redis)
    const limits = { key: 'isp', maxPerHour: 10 }
    for (const { places } of hosts) places.know([limits])
    const hasShare = ({ shared }: (typeof hosts)[number]) => shared.portion(limits).maxPerHour === 5
    await until(() => hosts.every(hasShare), 'the shares')
    await redis.kill()
    await until(() => hosts.every(({ shared }) => !shared.isShared), 'the loss')
    for (const host of hosts) {
      for (let i = 0; i < 5; i++) assert.ok(isPlace(await tryTake(host, limits)))
      assert.ok(!isPlace(await tryTake(host, limits)))
    }
  })

  it('a host that has never reached Redis has the whole limit', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.kill()
    const host = await startHost(t, redis.port, { waits: false })
    // Nothing else keeps this process alive while the first reply is waited for.
    const alive = setInterval(() => {}, 100)
    t.after(() => clearInterval(alive))
    for (let i = 0; i < 3; i++) assert.ok(isPlace(await tryTake(host, three)))
    assert.ok(!isPlace(await tryTake(host, three)))
    await redis.start()
    const other = await startHost(t, redis.port)
    await until(() => host.shared.isShared, 'Redis')
    assert.ok(!isPlace(await tryTake(other, three)), 'what is under way counts')
  })

  it('need only the rights that docs/operations.md lists', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.restrict()
    const host = await startHost(t, redis.port)
    const limits = { key: 'isp', maxConnections: 1, maxPerHour: 5 }
    for (let i = 0; i < 3; i++) (await takePlace(host, limits))!.giveBack(true)
    assert.deepEqual(host.said, [])
  })

  it('a connection granted to one message is not released for the next call', async (t) => {
    const redis = await startRedis(t)
    const host = await startHost(t, redis.port)
    for (let round = 0; round < 20; round++) {
      const first = tryTake(host, { key: `first ${round}`, maxConnections: 3 })
      // Now the call is under way.
      for (let turns = 0; turns < 10; turns++) await Promise.resolve()
      const second = tryTake(host, { key: `second ${round}`, maxConnections: 3 })
      assert.deepEqual((await Promise.all([first, second])).map(isPlace), [true, true])
    }
  })

  it('unexpected values in Redis are counted or dropped, never trusted', async (t) => {
    const redis = await startRedis(t)
    const host = await startHost(t, redis.port)
    const key = `${PREFIX}limit:${hashName('isp')}`
    await takePlace(host, three)
    await redis.command('HSET', key, 'joe', 'rubbish', 'ann', '1 2 3', 'host with a blank', '-1 x')
    await redis.command('HSET', `${PREFIX}hosts`, 'joe', 'rubbish', 'ann', '99999999999999 x')
    assert.ok(isPlace(await tryTake(host, three)))
    assert.equal(((await redis.command('HKEYS', key)) as string[]).length, 1)
    for (const each of (await redis.command('KEYS', '*')) as string[]) {
      assert.match(each, /^dns_overrides:v1:/)
      assert.ok(Number(await redis.command('PTTL', each)) > 0, each)
    }
  })
})
