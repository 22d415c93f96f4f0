import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { PREFIX } from '../../lib/redis/keys'
import { SharedTurns } from '../../lib/redis/shared-turns'
import { LocalTurns } from '../../lib/relays/turns'
import { connectTo, needsRedis, RedisServer, until, PATIENT } from '../support/redis-server'

const KEY = `${PREFIX}turns`

function startHost(t: TestContext, port: number): SharedTurns {
  const { connection } = connectTo(t, port, {}, PATIENT)
  const turns = new SharedTurns({ connection, local: new LocalTurns(1_000_000) })
  t.after(() => turns.close())
  return turns
}

const givenOut = async (redis: RedisServer) => Number(await redis.command('GET', KEY))

describe('turns over processes', { skip: needsRedis() }, () => {
  it('messages of two processes take one turn after the other', async (t) => {
    const redis = await RedisServer.start(t)
    const hosts = [startHost(t, redis.port), startHost(t, redis.port)]
    const turns: number[] = []
    await until(async () => (await givenOut(redis)) === 2, 'the first turns')
    for (let i = 0; i < 6; i++) {
      turns.push(hosts[i % 2]!.next())
      await until(async () => (await givenOut(redis)) === i + 3, 'the next turn')
    }
    assert.deepEqual(
      turns.toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5],
    )
    assert.ok(Number(await redis.command('PTTL', KEY)) > 0)
  })

  it('a burst waits for nothing, and the next one is prepared for', async (t) => {
    const redis = await RedisServer.start(t)
    const host = startHost(t, redis.port)
    await until(async () => (await givenOut(redis)) === 1, 'the first turn')
    const burst = () => Array.from({ length: 50 }, () => host.next())
    assert.deepEqual(burst().slice(0, 3), [0, 1_000_000, 1_000_001])
    await until(async () => (await givenOut(redis)) === 51, 'more turns')
    await until(() => host.next() < 1_000_000, 'their arrival')
    assert.ok(burst().filter((turn) => turn < 1_000_000).length >= 45)
  })

  it('without Redis, and with rubbish in it, a process takes its own turns', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.command('SET', KEY, 'rubbish')
    const host = startHost(t, redis.port)
    assert.deepEqual([host.next(), host.next()], [1_000_000, 1_000_001])
    await redis.command('SET', KEY, '-100')
    await until(async () => {
      host.next()
      return (await givenOut(redis)) > -100
    }, 'a try')
    assert.ok(host.next() >= 1_000_000)
    await redis.kill()
    assert.ok(host.next() >= 1_000_000)
  })
})
