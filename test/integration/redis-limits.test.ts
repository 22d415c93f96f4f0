import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readSnapshots } from '../../lib/relays/snapshot'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { HarakaServer } from '../support/haraka-server'
import { needsRedis, RedisServer } from '../support/redis-server'
import { SmtpClient } from '../support/smtp-client'
import { startCounted, type CountedServer } from '../support/smtp-counted'

// Two Haraka folders as two hosts, two workers each, and one Redis.

const skip = needsRedis()

async function startHosts(t: TestContext, overrides: string): Promise<readonly HarakaServer[]> {
  const start = async () => {
    const haraka = await HarakaServer.start({ nodes: 2, loglevel: 'NOTICE', overrides })
    t.after(() => haraka.close())
    return haraka
  }
  return Promise.all([start(), start()])
}

const overridesOf = (relay: CountedServer, redis: RedisServer, ...limits: string[]) =>
  ['* @isp', redis.section(), '[relay:isp]', 'host = 127.0.0.1', `port = ${relay.port}`, ...limits].join('\n')

async function sendAll(haraka: HarakaServer, count: number): Promise<void> {
  const left = Array.from({ length: count }, (_, n) => `u${n}@example.com`)
  const one = async () => {
    const client = await SmtpClient.open(haraka.port)
    for (let to = left.shift(); to !== undefined; to = left.shift()) await client.send({ to })
    await client.quit()
  }
  await Promise.all(Array.from({ length: 4 }, one))
}

test(
  'three connections for 500 messages of two hosts, while Redis and a worker are killed',
  { skip, timeout: 120_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const relay = await startCounted(t, { answerMs: 5 })
    const hosts = await startHosts(t, overridesOf(relay, redis, 'max_connections = 3'))
    const taken = (count: number) =>
      hosts[0]!.waitFor(() => relay.sink.received.length >= count, `${count} messages`, [relay.sink], 60_000)
    const sending = hosts.map((haraka) =>
      sendAll(haraka, 250).catch(() => 'a client of a worker that was killed'),
    )
    await taken(50)
    await redis.kill()
    await taken(100)
    await redis.start()
    await taken(150)
    const [worker] = readSnapshots(join(hosts[1]!.folder, STATE_FOLDER), Date.now()).filter(
      ({ role }) => role === 'worker',
    )
    process.kill(worker!.pid, 'SIGKILL')
    await Promise.all(sending)
    for (const haraka of hosts) {
      await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay.sink], 90_000)
    }
    t.diagnostic(`${relay.sink.received.length} taken`)
    assert.equal(relay.most(), 3)
    assert.ok(relay.sink.received.length >= 400)
    for (const haraka of hosts) {
      // On a machine that is busy with other tests, 100 ms may pass without a reply.
      assert.ok(haraka.lines(/Redis is gone/).length >= 1)
      assert.ok(haraka.lines(/Redis is back/).length >= 1)
      assert.deepEqual(haraka.lines(/unhandled|\[CRIT\]/i), [])
    }
  },
)

test(
  'max_per_hour over two hosts is met exactly; started while Redis is down',
  { skip, timeout: 120_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    await redis.kill()
    const relay = await startCounted(t)
    const hosts = await startHosts(t, overridesOf(relay, redis, 'max_per_hour = 25'))
    await hosts[0]!.waitForLog(/Redis is gone/)
    await Promise.all(hosts.map((haraka) => sendAll(haraka, 5)))
    await hosts[0]!.waitFor(() => relay.sink.received.length === 10, 'mail without Redis', [relay.sink])
    await redis.start()
    await Promise.all(hosts.map((haraka) => haraka.waitForLog(/Redis is back/)))
    await Promise.all(hosts.map((haraka) => sendAll(haraka, 25)))
    await hosts[0]!.waitFor(() => relay.sink.received.length >= 25, '25 messages', [relay.sink], 60_000)
    await Promise.all(hosts.map((haraka) => haraka.waitForLog(/relay isp has had its max_per_hour of 25/)))
    assert.equal(relay.sink.received.length, 25)
  },
)
