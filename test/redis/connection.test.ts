import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createClient, mergeSettings } from '../../lib/redis/client'
import { openConnection } from '../../lib/redis/connection'
import { createScript } from '../../lib/redis/script'
import {
  connectTo,
  needsRedis,
  PATIENT,
  RedisServer,
  startPatient,
  startProxy,
  type WatchedConnection,
} from '../support/redis-server'
import { stopTime } from '../support/stopped-time'
import { until } from '../support/until'

const ECHO = createScript('echo', `return {now, ARGV[1]}`)
const SET = createScript('set', `return redis.call('HSET', KEYS[1], 'field', ARGV[1])`)

const echo = async ({ connection }: WatchedConnection) =>
  ((await connection.run(ECHO, [], ['hello'])) as unknown[])[1]

/** As the plugin's regular scripts do: again and again. */
async function echoUntilItWorks(watched: WatchedConnection): Promise<void> {
  const works = () =>
    echo(watched).then(
      (text) => text === 'hello',
      () => false,
    )
  await until(works, 'an answer')
}

/** Time that the plugin waits for a reply, and until it looks again whether Redis is still slow. Milliseconds. */
const PATIENCE_MS = 100
const SLOW_MS = 1_000

const stop = ({ pid }: RedisServer) => process.kill(pid, 'SIGSTOP')
const goOn = ({ pid }: RedisServer) => process.kill(pid, 'SIGCONT')

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
    await assert.rejects(echo(watched), /Redis is gone/)
    await until(() => watched.connection.isReady, 'a connection')
    const pass = stopTime(t)
    stop(redis)
    let isOver = false
    const asked = echo(watched).finally(() => (isOver = true))
    pass(PATIENCE_MS - 1)
    await nextTurn()
    assert.ok(!isOver)
    pass(1)
    await assert.rejects(asked, /no reply within 100 ms/)
    goOn(redis)
  })

  it('sends nothing else while a reply is late', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    await until(() => watched.connection.isReady, 'a connection')
    const pass = stopTime(t)
    stop(redis)
    let isAnswered = false
    const asked = watched.connection.run(ECHO, [], ['hello'], () => (isAnswered = true))
    pass(PATIENCE_MS)
    await assert.rejects(asked, /no reply within 100 ms/)
    assert.equal(watched.connection.isReady, false)
    await assert.rejects(echo(watched), /Redis is gone/)
    goOn(redis)
    await until(() => isAnswered, 'the late reply')
    await assert.rejects(echo(watched), /Redis is gone/)
    pass(SLOW_MS)
    await until(() => watched.connection.isReady, 'a probe')
    assert.equal(await echo(watched), 'hello')
    assert.deepEqual(watched.said, ['gone: no reply within 100 ms', 'back'])
  })

  it('waits for a slow Redis once, and then sends nothing until it is fast again', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    const { connection } = watched
    await until(() => connection.isReady, 'a connection')
    const pass = stopTime(t)
    stop(redis)
    let answers = 0
    const ask = () => connection.run(ECHO, [], ['hello'], () => answers++)
    const first = ask()
    pass(PATIENCE_MS / 2)
    const second = ask()
    pass(PATIENCE_MS / 2)
    // The second does not wait for as long again.
    for (const asked of [first, second]) await assert.rejects(asked, /no reply within 100 ms/)
    assert.ok(connection.isLate)
    goOn(redis)
    await until(() => answers === 2, 'the late replies')
    stop(redis)
    pass(SLOW_MS)
    await assert.rejects(echo(watched), /Redis is gone/)
    assert.ok(connection.isLate)
    pass(PATIENCE_MS)
    assert.ok(!connection.isLate, 'a probe was late: Redis counts as gone')
    await assert.rejects(echo(watched), /Redis is gone/)
    t.mock.timers.reset()
    goOn(redis)
    await until(() => connection.isReady, 'a probe')
    assert.equal(await echo(watched), 'hello')
    assert.deepEqual(watched.said, ['gone: no reply within 100 ms', 'back'])
    assert.equal(connection.serial, 1)
  })

  it('accepts a reply that arrives while the process is busy', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    await until(() => watched.connection.isReady, 'a connection')
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const reply = echo(watched)
    // Nothing else happens in this process meanwhile.
    t.mock.timers.tick(1.5 * PATIENCE_MS)
    assert.equal(await reply, 'hello')
    assert.deepEqual(watched.said, [])
  })

  it('passes a late reply to its caller if asked to', async (t) => {
    const redis = await RedisServer.start(t)
    const { connection } = connectTo(t, redis.port)
    await until(() => connection.isReady, 'a connection')
    const pass = stopTime(t)
    stop(redis)
    const late: unknown[] = []
    const asked = connection.run(ECHO, [], ['hello'], (reply) => late.push((reply as unknown[])[1]))
    pass(PATIENCE_MS)
    await assert.rejects(asked, /no reply/)
    assert.deepEqual(late, [])
    goOn(redis)
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
    stop(redis)
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
      const patience = startPatient()
      const watched = connectTo(t, proxy.port, {}, patience)
      await echoUntilItWorks(watched)
      proxy.mode = mode
      patience.patienceMs = PATIENCE_MS
      await assert.rejects(echo(watched))
      proxy.mode = 'pass'
      patience.patienceMs = PATIENT.patienceMs
      await echoUntilItWorks(watched)
      assert.equal(watched.said.length, 2)
      assert.equal(watched.said[1], 'back')
      assert.equal(proxy.connections(), 2)
    })
  }

  it('is closed when Redis stops in the middle, and comes back when it continues', async (t) => {
    const redis = await RedisServer.start(t)
    const patience = startPatient()
    const watched = connectTo(t, redis.port, {}, patience)
    await echoUntilItWorks(watched)
    stop(redis)
    patience.patienceMs = PATIENCE_MS
    await assert.rejects(echo(watched), /no reply/)
    goOn(redis)
    patience.patienceMs = PATIENT.patienceMs
    await echoUntilItWorks(watched)
    assert.deepEqual(watched.said, ['gone: no reply within 100 ms', 'back'])
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
