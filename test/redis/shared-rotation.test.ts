import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { PREFIX } from '../../lib/redis/keys'
import { SharedRotation } from '../../lib/redis/shared-rotation'
import { LocalRotation } from '../../lib/relays/rotation'
import { connectTo, interceptRun, needsRedis, RedisServer, PATIENT } from '../support/redis-server'
import { until } from '../support/until'

const KEY = `${PREFIX}rotation`

interface RotatingHost {
  readonly next: () => number
  /** How many times it has fetched offsets. That Redis has given them out does not say that they have come. */
  readonly fetched: () => number
}

function startHost(t: TestContext, port: number): RotatingHost {
  const { connection } = connectTo(t, port, {}, PATIENT)
  let fetched = 0
  const counted = interceptRun(connection, async (...question) => {
    const reply = await connection.run(...question)
    fetched++
    return reply
  })
  const rotation = new SharedRotation({ connection: counted, local: new LocalRotation(1_000_000) })
  t.after(() => rotation.close())
  return { next: () => rotation.next(), fetched: () => fetched }
}

const givenOut = async (redis: RedisServer) => Number(await redis.command('GET', KEY))

describe('the rotation shared between processes', { skip: needsRedis() }, () => {
  it('messages of two processes use consecutive offsets', async (t) => {
    const redis = await RedisServer.start(t)
    const hosts = [startHost(t, redis.port), startHost(t, redis.port)]
    const offsets: number[] = []
    await until(() => hosts.every((host) => host.fetched() === 1), 'the first offsets')
    for (let i = 0; i < 6; i++) {
      const host = hosts[i % 2]!
      const before = host.fetched()
      offsets.push(host.next())
      await until(() => host.fetched() > before, 'the next offset')
    }
    assert.equal(await givenOut(redis), 8)
    assert.deepEqual(
      offsets.toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5],
    )
    assert.ok(Number(await redis.command('PTTL', KEY)) > 0)
  })

  it('a burst does not wait, and offsets for the next one are fetched', async (t) => {
    const redis = await RedisServer.start(t)
    const host = startHost(t, redis.port)
    await until(() => host.fetched() === 1, 'the first offset')
    const burst = () => Array.from({ length: 50 }, () => host.next())
    assert.deepEqual(burst().slice(0, 3), [0, 1_000_000, 1_000_001])
    await until(() => host.fetched() === 2, 'more offsets')
    assert.equal(await givenOut(redis), 51)
    assert.ok(burst().filter((offset) => offset < 1_000_000).length >= 45)
  })

  it('without Redis a process has its own rotation', async (t) => {
    const redis = await RedisServer.start(t)
    const host = startHost(t, redis.port)
    assert.deepEqual([host.next(), host.next()], [1_000_000, 1_000_001])
    await until(() => host.next() < 1_000_000, 'a shared offset')
    await redis.kill()
    await until(() => host.next() >= 1_000_000, 'one of its own')
  })

  it('a number that no server writes is ignored', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.command('SET', KEY, '-100')
    const host = startHost(t, redis.port)
    await until(async () => {
      assert.ok(host.next() >= 1_000_000)
      return (await givenOut(redis)) > -100
    }, 'a try')
    assert.ok(host.next() >= 1_000_000)
  })

  for (const [name, command] of [
    ['another type', ['RPUSH', KEY, 'text']],
    ['no number', ['SET', KEY, 'rubbish']],
    ['the largest number', ['SET', KEY, '9223372036854775807']],
  ] as const) {
    it(`a key with ${name} is replaced`, async (t) => {
      const redis = await RedisServer.start(t)
      await redis.command(...command)
      const host = startHost(t, redis.port)
      await until(() => host.next() < 1_000_000, 'a shared offset')
      assert.ok((await givenOut(redis)) < 1_000)
    })
  }
})
