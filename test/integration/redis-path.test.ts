import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PREFIX } from '../../lib/redis/keys'
import { startGetMxHarness } from '../support/get-mx-harness'
import { needsRedis, RedisServer, startProxy } from '../support/redis-server'
import { until } from '../support/until'

/** What a process sends by itself, by the first key of its scripts, and how often, milliseconds. */
const OWN_TIMERS = { hosts: 250, holds: 400, breakers: 400, hits: 3_000, probe: 1_000 }

const WARM = ['direct.example', 'ruled.example', 'relayed.example'] as const
const ROUNDS = 1_000
const COLD = 50

/** The first keys of the scripts that Redis has run since it was asked last, and how often. */
async function scriptsRun(redis: RedisServer): Promise<Map<string, number>> {
  const entries = (await redis.command('SLOWLOG', 'GET', '-1')) as readonly (readonly unknown[])[]
  const commands = entries.map((entry) => entry[3] as readonly string[])
  const keys = commands
    // One that Redis does not know yet is sent again in full.
    .filter(([name]) => name?.toUpperCase() === 'EVALSHA')
    .map(([, , count, key = '']) => (count === '0' ? 'probe' : key.slice(PREFIX.length)))
  await redis.command('SLOWLOG', 'RESET')
  return new Map([...new Set(keys)].map((key) => [key, keys.filter((each) => each === key).length]))
}

test('what Redis costs a message', { skip: needsRedis() }, async (t) => {
  const redis = await RedisServer.start(t, '--slowlog-log-slower-than', '0', '--slowlog-max-len', '100000')
  const proxy = await startProxy(t, redis.port)
  const harness = await startGetMxHarness({
    cold: COLD + 500,
    sections: `[redis]
host = 127.0.0.1
port = ${proxy.port}
[relay:isp]
host = 192.0.2.9
max_connections = 3
max_per_hour = 1000`,
  })
  t.after(() => harness.stop())
  const ask = async (domain: Parameters<typeof harness.message>[0]) => {
    assert.ok((await harness.ask(harness.message(domain))).length > 0)
  }
  await until(async () => (await scriptsRun(redis)).has('hosts'), 'Redis')

  await t.test('get_mx sends Redis nothing if all is known', async (t2) => {
    for (const domain of WARM) await ask(domain)
    // What DNS has said is written in the background, within less than the time of two timers.
    let quiet = 0
    await until(async () => {
      const run = await scriptsRun(redis)
      if (run.has('answers')) quiet = 0
      else if (run.has('breakers')) quiet++
      return quiet === 2
    }, 'the answers')
    const from = performance.now()
    await scriptsRun(redis)
    for (let round = 0; round < ROUNDS; round++) {
      for (const domain of WARM) await ask(domain)
      // Timers, and what was to be sent.
      await new Promise((done) => setImmediate(done))
    }
    const run = await scriptsRun(redis)
    // By the same connection, so what a message has sent is among them.
    await until(async () => {
      const more = await scriptsRun(redis)
      for (const [key, count] of more) run.set(key, count + (run.get(key) ?? 0))
      return more.has('breakers')
    }, 'a timer')
    const took = performance.now() - from
    t2.diagnostic(`${ROUNDS * WARM.length} messages in ${Math.round(took)} ms: ${JSON.stringify([...run])}`)
    for (const [key, count] of run) {
      const interval = OWN_TIMERS[key as keyof typeof OWN_TIMERS]
      assert.ok(interval !== undefined, `${key} is asked for by no timer`)
      assert.ok(count <= took / interval + 2, `${count} times ${key} in ${took} ms`)
    }
  })

  await t.test('get_mx asks Redis once for the answers that are missing', async () => {
    let cold = COLD
    // On a busy machine Redis may be late.
    await until(async () => {
      await scriptsRun(redis)
      await ask(`cold${cold++}.example`)
      const counts = [...(await scriptsRun(redis))].filter(([key]) => key.startsWith('answer:'))
      assert.ok(counts.length <= 1 && counts.every(([, count]) => count === 1), 'its hosts are known')
      return counts.length === 1
    }, 'a question')
  })

  await t.test('if Redis hangs, one message at most asks it, and those after it do not', async () => {
    proxy.mode = 'hang'
    await scriptsRun(redis)
    for (let n = 0; n < COLD; n++) await ask(`cold${n}.example`)
    // The proxy passes on what is sent to Redis.
    const run = await scriptsRun(redis)
    const asked = [...run].filter(([key]) => key.startsWith('answer:')).map(([, count]) => count)
    assert.ok(asked.length <= 1 && asked.every((count) => count === 1), JSON.stringify([...run]))
  })
})
