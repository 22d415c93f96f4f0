import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClient, mergeSettings } from '../../lib/redis/client'
import { openConnection } from '../../lib/redis/connection'
import { createScript } from '../../lib/redis/script'
import {
  connectTo,
  needsRedis,
  PATIENT,
  RedisServer,
  startProxy,
  until,
  type WatchedConnection,
} from '../support/redis-server'

const ECHO = createScript('echo', `return {now, ARGV[1]}`)
const SET = createScript('set', `return redis.call('HSET', KEYS[1], 'field', ARGV[1])`)

const echo = async ({ connection }: WatchedConnection) =>
  ((await connection.run(ECHO, [], ['hello'])) as unknown[])[1]

/** As the plugin's regular scripts do: again and again. */
async function echoUntilItWorks(watched: WatchedConnection, patience?: number): Promise<void> {
  const works = () =>
    echo(watched).then(
      (text) => text === 'hello',
      () => false,
    )
  await until(works, 'an answer', patience)
}

/** For tests that are about a slow Redis: no other test on a busy machine makes it that slow. */
const SLOW_AFTER_MS = 1_000
const SOON = { patienceMs: SLOW_AFTER_MS }

describe('a connection', { skip: needsRedis() }, () => {
  it('runs scripts, even after a restart of Redis has dropped them', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port, {}, PATIENT)
    await echoUntilItWorks(watched)
    await redis.command('SCRIPT', 'FLUSH')
    assert.equal(await echo(watched), 'hello')
    assert.deepEqual(watched.said, [])
  })

  it('fails at once without Redis, and reports its loss and return once each', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.kill()
    const watched = connectTo(t, redis.port, {}, PATIENT)
    await assert.rejects(echo(watched), /Redis is gone/)
    await until(() => watched.said.length === 1, 'gone')
    assert.match(watched.said[0]!, /^gone: connect ECONNREFUSED/)
    await redis.start()
    await echoUntilItWorks(watched)
    await redis.kill()
    await until(() => watched.said.length === 3, 'gone again')
    await redis.start()
    await echoUntilItWorks(watched)
    assert.equal(watched.said.length, 4)
    assert.deepEqual([watched.said[1], watched.said[3]], ['back', 'back'])
  })

  it('waits for a reply at most 100 ms', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    process.kill(redis.pid, 'SIGSTOP')
    await assert.rejects(echo(watched), /Redis is gone/)
    process.kill(redis.pid, 'SIGCONT')
    await until(() => watched.connection.isReady, 'a connection')
    process.kill(redis.pid, 'SIGSTOP')
    const from = performance.now()
    await assert.rejects(echo(watched), /no reply within 100 ms/)
    const took = performance.now() - from
    assert.ok(took >= 95 && took < 1_000, `${took} ms`)
    process.kill(redis.pid, 'SIGCONT')
  })

  it('sends nothing else while a reply is late', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port, {}, SOON)
    await echoUntilItWorks(watched)
    await redis.command('CLIENT', 'PAUSE', String(2 * SLOW_AFTER_MS))
    await assert.rejects(echo(watched), /no reply within 1000 ms/)
    assert.equal(watched.connection.isReady, false)
    await assert.rejects(echo(watched), /Redis is gone/)
    await until(() => watched.connection.isReady, 'the late reply')
    await echoUntilItWorks(watched)
    assert.deepEqual(watched.said, ['gone: no reply within 1000 ms', 'back'])
  })

  it('waits for a slow Redis once, and then sends nothing until it is fast again', async (t) => {
    const redis = await RedisServer.start(t)
    const proxy = await startProxy(t, redis.port)
    const watched = connectTo(t, proxy.port, {}, SOON)
    await echoUntilItWorks(watched)
    proxy.mode = 'slow'
    proxy.slowMs = 2 * SLOW_AFTER_MS
    const failed: number[] = []
    const fails = async (number: number) => {
      await assert.rejects(echo(watched), /no reply within 1000 ms/)
      failed.push(number)
    }
    const [first, rest] = [fails(1), new Promise((done) => setTimeout(done, SLOW_AFTER_MS / 2))]
    await rest
    const second = fails(2)
    await first
    // The second does not wait for a second of its own.
    await new Promise((done) => setImmediate(done))
    assert.deepEqual(failed, [1, 2])
    await second
    assert.ok(watched.connection.isLate)
    await until(async () => {
      await assert.rejects(echo(watched), /Redis is gone/)
      return !watched.connection.isLate
    }, 'a probe that is late: Redis counts as gone')
    proxy.mode = 'pass'
    await until(() => watched.connection.isReady, 'a probe')
    await echoUntilItWorks(watched)
    assert.deepEqual(watched.said, ['gone: no reply within 1000 ms', 'back'])
    assert.equal(proxy.connections(), 1)
  })

  it('accepts a reply that arrives while the process is busy', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port, {}, SOON)
    await echoUntilItWorks(watched)
    const reply = echo(watched)
    // Nothing else happens in this process meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * SLOW_AFTER_MS)
    assert.equal(await reply, 'hello')
    assert.deepEqual(watched.said, [])
  })

  it('passes a late reply to its caller if asked to', async (t) => {
    const redis = await RedisServer.start(t)
    const { connection } = connectTo(t, redis.port)
    await until(() => connection.isReady, 'a connection')
    await redis.command('CLIENT', 'PAUSE', '1500')
    const late: unknown[] = []
    const asked = connection.run(ECHO, [], ['hello'], (reply) => late.push((reply as unknown[])[1]))
    await assert.rejects(asked, /no reply/)
    assert.deepEqual(late, [])
    await until(() => late.length > 0, 'the late reply')
    assert.deepEqual(late, ['hello'])
  })

  it('sends a bounded number of commands to a Redis that hangs, then none until it answers', async (t) => {
    const redis = await RedisServer.start(t)
    let [sent, open, most] = [0, 0, 0]
    const connection = openConnection({
      createClient: () => {
        const section = { host: '127.0.0.1', port: String(redis.port) }
        const client = createClient(mergeSettings({ section, redisIni: {} }))
        const { sendCommand } = client
        client.sendCommand = (command) => {
          sent++
          most = Math.max(most, ++open)
          return sendCommand.call(client, command).finally(() => open--)
        }
        return client
      },
      onGone: () => {},
      onBack: () => {},
    })
    t.after(() => connection.close())
    await until(() => connection.isReady, 'a connection')
    process.kill(redis.pid, 'SIGSTOP')
    const ask = () => connection.run(ECHO, [], ['x'.repeat(1_000)])
    await Promise.allSettled(Array.from({ length: 5_000 }, ask))
    assert.deepEqual([sent, most], [1_000, 1_000])
    await until(async () => {
      await Promise.allSettled(Array.from({ length: 100 }, ask))
      return open === 0
    }, 'the end of the connection')
    assert.equal(sent, 1_000)
  })

  for (const mode of ['cut', 'garble', 'hang'] as const) {
    it(`comes back after replies that ${mode === 'hang' ? 'never come' : `are ${mode === 'cut' ? 'cut off' : 'rubbish'}`}`, async (t) => {
      const redis = await RedisServer.start(t)
      const proxy = await startProxy(t, redis.port)
      const watched = connectTo(t, proxy.port, {}, PATIENT)
      await echoUntilItWorks(watched)
      proxy.mode = mode
      await assert.rejects(echo(watched))
      proxy.mode = 'pass'
      await echoUntilItWorks(watched)
      assert.equal(watched.said.length, 2)
      assert.equal(watched.said[1], 'back')
      assert.equal(proxy.connections(), 2)
    })
  }

  it('is closed when Redis stops in the middle, and comes back when it continues', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    await echoUntilItWorks(watched)
    process.kill(redis.pid, 'SIGSTOP')
    await assert.rejects(echo(watched), /no reply/)
    process.kill(redis.pid, 'SIGCONT')
    await echoUntilItWorks(watched)
    assert.equal(watched.said.at(-1), 'back')
  })

  for (const [name, break_, repair] of [
    ['read-only', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['of another type under our key', ['SET', 'key', 'text'], ['DEL', 'key']],
    [
      'not allowed',
      ['ACL', 'SETUSER', 'default', '-evalsha', '-eval'],
      ['ACL', 'SETUSER', 'default', '+@all'],
    ],
  ] as const) {
    it(`is lost if Redis is ${name}`, async (t) => {
      const redis = await RedisServer.start(t, '--maxmemory-policy', 'noeviction')
      const watched = connectTo(t, redis.port, {}, PATIENT)
      const set = () => watched.connection.run(SET, ['key'], ['1'])
      await until(() => watched.connection.isReady, 'a connection')
      await redis.command(...break_)
      await assert.rejects(set())
      await assert.rejects(set())
      await redis.command(...repair)
      await set()
      assert.equal(watched.said.length, 2)
      assert.match(watched.said[0]!, /^gone: (READONLY|OOM|WRONGTYPE|NOPERM|ERR|.*script)/)
    })
  }

  it('reports a missing right for a rarely run script until it works', async (t) => {
    const rare = createScript('rare', `return redis.call('INCRBY', KEYS[1], 1)`, { isRegular: false })
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port, {}, PATIENT)
    const count = () => watched.connection.run(rare, ['key'], [])
    await until(() => watched.connection.isReady, 'a connection')
    await redis.command('SET', 'key', 'text')
    await assert.rejects(count())
    assert.deepEqual(watched.said, [])
    await redis.command('DEL', 'key')
    await redis.command('ACL', 'SETUSER', 'default', '-incrby')
    await assert.rejects(count())
    await assert.rejects(count())
    assert.equal(await echo(watched), 'hello')
    assert.equal(watched.said.length, 1)
    assert.match(watched.said[0]!, /^gone: ERR (?:The user executing|ACL failure)/)
    await redis.command('ACL', 'SETUSER', 'default', '+@all')
    await count()
    assert.equal(watched.said.length, 2)
  })

  it('reports its return when regular scripts are allowed again, without running rare ones', async (t) => {
    const rare = createScript('rare', `return redis.call('INCRBY', KEYS[1], 1)`, { isRegular: false })
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port, {}, PATIENT)
    await until(() => watched.connection.isReady, 'a connection')
    await redis.command('ACL', 'SETUSER', 'default', '-evalsha', '-eval')
    await assert.rejects(echo(watched))
    await assert.rejects(watched.connection.run(rare, ['key'], []))
    await redis.command('ACL', 'SETUSER', 'default', '+@all')
    assert.equal(await echo(watched), 'hello')
    assert.equal(watched.said.length, 2)
  })

  it('reports a wrong password without showing it', async (t) => {
    const redis = await RedisServer.start(t, '--requirepass', 'right')
    const watched = connectTo(t, redis.port, { password: 'Passw0rd' })
    await until(() => watched.said.length > 0, 'gone')
    assert.match(watched.said[0]!, /^gone: WRONGPASS/)
    await assert.rejects(echo(watched))
    assert.ok(!watched.said.join().includes('Passw0rd'))
    const url = connectTo(t, redis.port, { url: 'rediss://joe:Passw0rd@127.0.0.1', tls: 'false' })
    await until(() => url.said.length > 0, 'gone')
    assert.deepEqual(url.said, ['gone: the settings of [redis] and redis.ini do not fit together'])
  })

  it('uses user, password and database of the settings', async (t) => {
    const redis = await RedisServer.start(t, '--requirepass', 'right')
    const watched = connectTo(t, redis.port, { username: 'default', password: 'right', db: '3' })
    await echoUntilItWorks(watched)
    await watched.connection.run(SET, ['dns_overrides:v1:x'], ['1'])
    await assert.rejects(redis.command('GET', 'x'), /NOAUTH/)
  })
})
