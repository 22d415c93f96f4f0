import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createScript } from '../../lib/redis/script'
import {
  connectTo,
  needsRedis,
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

describe('a connection', { skip: needsRedis() }, () => {
  it('runs scripts, also those that a Redis that was restarted has forgotten', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    await echoUntilItWorks(watched)
    await redis.command('SCRIPT', 'FLUSH')
    assert.equal(await echo(watched), 'hello')
    assert.deepEqual(watched.said, [])
  })

  it('fails at once while there is no Redis, and says once that it is gone and once that it is back', async (t) => {
    const redis = await RedisServer.start(t)
    await redis.kill()
    const watched = connectTo(t, redis.port)
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

  it('waits for no reply longer than 100 ms, and sends nothing else meanwhile', async (t) => {
    const redis = await RedisServer.start(t)
    const watched = connectTo(t, redis.port)
    await echoUntilItWorks(watched)
    await redis.command('CLIENT', 'PAUSE', '700')
    const from = performance.now()
    await assert.rejects(echo(watched), /no reply within 100 ms/)
    const took = performance.now() - from
    assert.ok(took < 300, `${took} ms`)
    assert.equal(watched.connection.isReady, false)
    await assert.rejects(echo(watched), /Redis is gone/)
    await until(() => watched.connection.isReady, 'the late reply')
    await echoUntilItWorks(watched)
    assert.deepEqual(watched.said, ['gone: no reply within 100 ms', 'back'])
  })

  for (const mode of ['cut', 'garble', 'hang'] as const) {
    it(`comes back after replies that ${mode === 'hang' ? 'never come' : `are ${mode === 'cut' ? 'cut off' : 'rubbish'}`}`, async (t) => {
      const redis = await RedisServer.start(t)
      const proxy = await startProxy(t, redis.port)
      const watched = connectTo(t, proxy.port)
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

  it('is closed when Redis is stopped in the middle, and comes back when it goes on', async (t) => {
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
    it(`is gone while Redis is ${name}`, async (t) => {
      const redis = await RedisServer.start(t, '--maxmemory-policy', 'noeviction')
      const watched = connectTo(t, redis.port)
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

  it('with a wrong password says so, and not the password', async (t) => {
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

  it('takes user, password and database from the settings', async (t) => {
    const redis = await RedisServer.start(t, '--requirepass', 'right')
    const watched = connectTo(t, redis.port, { username: 'default', password: 'right', db: '3' })
    await echoUntilItWorks(watched)
    await watched.connection.run(SET, ['dns_overrides:v1:x'], ['1'])
    await assert.rejects(redis.command('GET', 'x'), /NOAUTH/)
  })
})
