import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashName } from '../../lib/redis/keys'
import type { Lease } from '../../lib/relays/types'
import {
  BREAKERS_KEY,
  brief,
  failAt,
  failForAll,
  hostsOf,
  isp,
  isUsable,
  recordOf,
  startBreakerHost,
  takeTrial,
  tryServer,
} from '../support/breaker-hosts'
import { needsRedis, PATIENT, RedisServer, startPatient, startProxy } from '../support/redis-server'
import { relayExchange } from '../support/servers'
import { until } from '../support/until'

describe('breakers shared between processes while Redis fails', { skip: needsRedis() }, () => {
  it('while Redis is slow nobody tries before the trial is granted', async (t) => {
    const redis = await RedisServer.start(t)
    const patience = startPatient()
    const hosts = await hostsOf(4, () => startBreakerHost(t, redis.port, { patience }))
    await failForAll(hosts, brief)
    process.kill(redis.pid, 'SIGSTOP')
    patience.patienceMs = 100
    const leases: Lease[] = []
    const tryAll = async () => {
      const tried = await Promise.all(hosts.map((host) => tryServer(host, brief)))
      leases.push(...tried.filter((lease) => lease !== undefined))
    }
    await tryAll()
    assert.equal(leases.length, 0)
    patience.patienceMs = PATIENT.patienceMs
    process.kill(redis.pid, 'SIGCONT')
    await until(async () => {
      await tryAll()
      return leases.length > 0 && hosts.every(({ said }) => said.at(-1) === 'back')
    }, 'the trial')
    await tryAll()
    assert.equal(leases.length, 1)
  })

  it('without Redis each process decides for itself', async (t) => {
    const redis = await RedisServer.start(t)
    const proxy = await startProxy(t, redis.port)
    const patience = startPatient()
    const hosts = await hostsOf(2, () => startBreakerHost(t, proxy.port, { patience }))
    await failForAll(hosts, brief)
    proxy.mode = 'hang'
    patience.patienceMs = 100
    assert.deepEqual(await Promise.all(hosts.map((host) => tryServer(host, brief))), [undefined, undefined])
    for (const host of hosts) await takeTrial(host)
  })

  it('a breaker is sent again to a Redis that has lost its last changes', async (t) => {
    const redis = await RedisServer.start(t)
    const a = await startBreakerHost(t, redis.port)
    const other = relayExchange({ host: 'other.example', name: 'other', retryAfterMs: 60_000 })
    await failAt(a, other)
    await until(async () => (await recordOf(redis, 'other.example:25')) !== 'null', 'the first breaker')
    const old = String(await redis.command('HGET', BREAKERS_KEY, 'state'))
    await failAt(a, isp)
    await until(async () => (await recordOf(redis, 'smtp.example:25')) !== 'null', 'the second')
    // As a replica that has not got the last change when it becomes the master.
    await redis.command('MULTI')
    await redis.command('HSET', BREAKERS_KEY, 'state', old)
    await redis.command('HDEL', BREAKERS_KEY, hashName('smtp.example:25'))
    await redis.command('ZREM', `${BREAKERS_KEY}:changes`, hashName('smtp.example:25'))
    await redis.command('EXEC')
    await until(async () => (await recordOf(redis, 'smtp.example:25')) !== 'null', 'the second again')
  })

  it('without Redis each process uses its own breakers, and the open ones stay open when it is back', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    const other = relayExchange({ host: 'other.example', name: 'other', retryAfterMs: 60_000 })
    await failAt(a, other)
    await until(() => !isUsable(b, other), 'the breaker')
    await redis.kill()
    await until(() => a.said.length > 0 && b.said.length > 0, 'the loss')
    await failAt(a, isp)
    assert.ok(isUsable(b))
    const success = await b.state.acquire(other, { lastResort: true })
    assert.ok(!('usable' in success))
    success.reportSuccess()
    success.end(true)
    assert.ok(isUsable(b, other))
    await redis.start()
    await until(() => !isUsable(b) && !isUsable(b, other), 'what a knows')
    assert.ok(!isUsable(a) && !isUsable(a, other))
  })

  it('breakers are sent again to a Redis that was flushed', async (t) => {
    const redis = await RedisServer.start(t)
    const a = await startBreakerHost(t, redis.port)
    await failAt(a, isp)
    await until(async () => (await recordOf(redis, 'smtp.example:25')) !== 'null', 'the breaker')
    await redis.command('FLUSHALL')
    const b = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(b), 'the breaker')
    assert.ok(!isUsable(a))
  })

  it('a failure that could not be sent is sent later', async (t) => {
    const redis = await RedisServer.start(t)
    const proxy = await startProxy(t, redis.port)
    const patience = startPatient()
    const [a, b] = [
      await startBreakerHost(t, proxy.port, { patience }),
      await startBreakerHost(t, redis.port),
    ]
    proxy.mode = 'hang'
    patience.patienceMs = 100
    await until(() => a.said.length > 0, 'the loss')
    await failAt(a, isp)
    patience.patienceMs = PATIENT.patienceMs
    proxy.mode = 'pass'
    proxy.drop()
    await until(() => !isUsable(b), 'the breaker')
  })

  it('garbage in place of a breaker does not close it', async (t) => {
    const redis = await RedisServer.start(t)
    const [a, b] = [await startBreakerHost(t, redis.port), await startBreakerHost(t, redis.port)]
    await failAt(a, isp)
    await until(() => !isUsable(b), 'the breaker')
    const field = hashName('smtp.example:25')
    const [epoch, version, floor] = String(await redis.command('HGET', BREAKERS_KEY, 'state')).split(' ')
    const next = Number(version) + 1
    await redis.command('HSET', BREAKERS_KEY, field, 'rubbish', 'state', `${epoch} ${next} ${floor}`)
    await redis.command('ZADD', `${BREAKERS_KEY}:changes`, String(next), field)
    const after = relayExchange({ host: 'after.example', name: 'after', retryAfterMs: 60_000 })
    await failAt(a, after)
    await until(() => !isUsable(b, after), 'what came after it')
    assert.ok(!isUsable(a) && !isUsable(b))
    assert.equal(await redis.command('ZSCORE', `${BREAKERS_KEY}:changes`, field), null)
  })

  it('values that no process writes are ignored', async (t) => {
    const redis = await RedisServer.start(t)
    const host = await startBreakerHost(t, redis.port)
    const field = hashName('smtp.example:25')
    let version = 0
    const write = async (text: string, name = field) => {
      const next = String(++version)
      await redis.command('HSET', BREAKERS_KEY, name, text)
      await redis.command('ZADD', `${BREAKERS_KEY}:changes`, next, name)
      await redis.command('HSET', BREAKERS_KEY, 'state', `1 ${next} 0`)
    }
    await write('rubbish')
    await write(`1 1 1 1 - joe`, 'no field')
    await write(`1 60000 ${Date.now() + 60_000} 0 - \u001b[2Jgone`, hashName('good.example:25'))
    const good = relayExchange({ host: 'good.example', name: 'good' })
    await until(() => !isUsable(host, good), 'the good one')
    const look = host.state.look(good)
    assert.ok(!look.usable && look.message.endsWith(': \ufffd[2Jgone'))
    assert.ok(isUsable(host))
    const endless = relayExchange({ host: 'endless.example', name: 'endless' })
    await write(`1 9007199254740000 9007199254740000 0 - x`, hashName('endless.example:25'))
    await until(() => !isUsable(host, endless), 'the endless one')
    const left = host.state.look(endless)
    assert.ok(!left.usable && left.until! <= Date.now() + 3_600_000)
  })

  it('a version number that is too large is replaced', async (t) => {
    const redis = await RedisServer.start(t)
    const host = await startBreakerHost(t, redis.port)
    await redis.command('HSET', BREAKERS_KEY, 'state', '1 99999999999999999999 0')
    await failAt(host, isp)
    const other = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(other), 'the breaker')
    assert.deepEqual([...host.said, ...other.said], [])
  })

  it('a key of another type is replaced, and breakers are sent again', async (t) => {
    const redis = await RedisServer.start(t)
    const host = await startBreakerHost(t, redis.port)
    await failAt(host, isp)
    const isTold = async () => {
      const types = [
        await redis.command('TYPE', BREAKERS_KEY),
        await redis.command('TYPE', `${BREAKERS_KEY}:changes`),
      ]
      return types.join() === 'hash,zset' && (await recordOf(redis, 'smtp.example:25')) !== 'null'
    }
    for (const key of [BREAKERS_KEY, `${BREAKERS_KEY}:changes`]) {
      await until(isTold, 'the breaker')
      await redis.command('SET', key, 'text')
    }
    await until(isTold, 'the breaker')
    const late = await startBreakerHost(t, redis.port)
    await until(() => !isUsable(late), 'what a process that starts hears')
    assert.deepEqual(host.said, [])
  })
})
