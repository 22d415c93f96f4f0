import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { needsRedis, RedisServer, startProxy, until } from '../support/redis-server'
import { startSink } from '../support/smtp-sink'

const KEYS = ['hosts', 'holds', 'breakers', 'rotation']
/** Messages of each fault. */
const COUNT = 4

/** Resident memory of a process, MB. */
const memoryOf = (pid: number) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)

test('mail goes on whatever becomes of Redis', { skip: needsRedis(), timeout: 120_000 }, async (t) => {
  const redis = await RedisServer.start(t, '--maxmemory-policy', 'noeviction')
  const empty = await RedisServer.start(t)
  const proxy = await startProxy(t, redis.port)
  const sink = await startSink()
  t.after(() => sink.close())
  const haraka = await HarakaServer.start({
    overrides: [
      '* @isp $priority:1',
      '* @dead $priority:0',
      '[redis]',
      'host = 127.0.0.1',
      `port = ${proxy.port}`,
      '[relay:isp]',
      'host = 127.0.0.1',
      `port = ${sink.port}`,
      'max_connections = 3',
      'max_per_hour = 1000',
      '[relay:dead]',
      'host = 127.0.0.1',
      'port = 9',
      'retry_after = 1s',
    ].join('\n'),
  })
  t.after(() => haraka.close())
  let sent = 0
  const send = async (what: string) => {
    await Promise.all(Array.from({ length: COUNT }, () => haraka.send({ to: `u${sent++}@example.com` })))
    await haraka.waitFor(() => sink.received.length === sent, `mail: ${what}`, [sink])
  }
  const command = (...words: string[]) => redis.command(...words)
  const setType = async (type: 'SET' | 'DEL') => {
    for (const key of KEYS) {
      await command('DEL', `dns_overrides:v1:${key}`)
      if (type === 'SET') await command('SET', `dns_overrides:v1:${key}`, 'text')
    }
  }
  await send('all is well')
  const before = memoryOf(haraka.pid)
  const faults: readonly (readonly [string, () => unknown, (() => unknown)?])[] = [
    ['flushed', () => command('FLUSHALL')],
    ['CLIENT PAUSE', () => command('CLIENT', 'PAUSE', '700')],
    ['stopped', () => process.kill(redis.pid, 'SIGSTOP'), () => process.kill(redis.pid, 'SIGCONT')],
    ['replies are cut', () => (proxy.mode = 'cut')],
    ['replies are rubbish', () => (proxy.mode = 'garble')],
    ['no replies', () => (proxy.mode = 'hang'), () => (proxy.mode = 'pass')],
    ['wrong type', () => setType('SET'), () => setType('DEL')],
    [
      'full',
      () => command('CONFIG', 'SET', 'maxmemory', '1'),
      () => command('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'an empty and read-only replica',
      () => command('REPLICAOF', '127.0.0.1', String(empty.port)),
      () => command('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'wrong password',
      async () => {
        await command('CONFIG', 'SET', 'requirepass', 'Passw0rd')
        proxy.drop()
      },
      () => command('CONFIG', 'SET', 'requirepass', ''),
    ],
    ['killed', () => redis.kill(), () => redis.start()],
  ]
  for (const [what, begin, end] of faults) {
    await begin()
    await send(what)
    await end?.()
    await send(`${what}: over`)
  }
  await until(
    () => haraka.lines(/Redis is gone/).length === haraka.lines(/Redis is back/).length,
    'the end of the last fault',
  )
  const grown = memoryOf(haraka.pid) - before
  const [gone] = haraka.lines(/Redis is gone/)
  t.diagnostic(`${haraka.lines(/Redis is gone/).length} times gone, ${before} MB and ${grown} MB more`)
  assert.ok(gone !== undefined)
  assert.ok(grown < 60, `${grown} MB`)
  assert.deepEqual(haraka.lines(/unhandled|\[CRIT\]|Passw0rd/i), [])
})
