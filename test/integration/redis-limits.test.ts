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

/** What became of the messages of a client, by recipient. */
interface Submitted {
  readonly taken: string[]
  /** The worker was killed before it had answered. */
  readonly unanswered: string[]
}

/** Sends by four connections at once. A connection that is lost is opened again, for the next message. */
async function sendAll(haraka: HarakaServer, name: string, count: number): Promise<Submitted> {
  const left = Array.from({ length: count }, (_, n) => `${name}${n}@example.com`)
  const submitted: Submitted = { taken: [], unanswered: [] }
  const one = async () => {
    let client: SmtpClient | undefined
    for (let to = left.shift(); to !== undefined; to = left.shift()) {
      try {
        client ??= await SmtpClient.open(haraka.port)
        await client.send({ to })
        submitted.taken.push(to)
      } catch {
        submitted.unanswered.push(to)
        client?.destroy()
        client = undefined
      }
    }
    await client?.quit()
  }
  await Promise.all(Array.from({ length: 4 }, one))
  return submitted
}

test(
  '300 messages of two hosts use at most three connections while Redis and a worker are killed',
  { skip, timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const relay = await startCounted(t, { answerMs: 5 })
    const hosts = await startHosts(t, overridesOf(relay, redis, 'max_connections = 3'))
    const from = performance.now()
    const note = (what: string) => t.diagnostic(`${what} after ${Math.round(performance.now() - from)} ms`)
    const taken = async (count: number) => {
      const isTaken = () => relay.sink.received.length >= count
      await hosts[0]!.waitFor(isTaken, `${count} messages`, [relay.sink])
      note(`${count} taken`)
    }
    const sending = Promise.all(hosts.map((haraka, index) => sendAll(haraka, 'ab'[index]!, 150)))
    await taken(50)
    await redis.kill()
    await taken(100)
    await redis.start()
    await taken(150)
    const [worker] = readSnapshots(join(hosts[1]!.folder, STATE_FOLDER), Date.now()).filter(
      ({ role }) => role === 'worker',
    )
    process.kill(worker!.pid, 'SIGKILL')
    const submitted = await sending
    note('all submitted')
    const isEmpty = () => hosts.every((haraka) => haraka.queueFiles().length === 0)
    await hosts[0]!.waitFor(isEmpty, 'empty queues', [relay.sink])
    note('all delivered')
    assert.equal(relay.most(), 3)
    const times = new Map<string, number>()
    for (const { rcptTo } of relay.sink.received) times.set(rcptTo[0]!, (times.get(rcptTo[0]!) ?? 0) + 1)
    const all = submitted.flatMap(({ taken: each }) => each)
    assert.deepEqual(
      all.filter((to) => !times.has(to)),
      [],
      'each message that was taken is delivered',
    )
    assert.ok(300 - all.length <= 4, 'no other than those that the killed worker had not answered')
    // Haraka does not know what became of those that its worker was delivering when it was killed.
    const twice = [...times].filter(([, count]) => count > 1)
    assert.ok(twice.length <= 3 && twice.every(([, count]) => count === 2), twice.join(' '))
    for (const haraka of hosts) {
      // On a machine that is busy with other tests, 100 ms may pass without a reply.
      assert.ok(haraka.lines(/Redis is gone/).length >= 1)
      assert.ok(haraka.lines(/Redis is back/).length >= 1)
      assert.deepEqual(haraka.lines(/unhandled|\[CRIT\]/i), [])
    }
  },
)

test(
  'max_per_hour of two hosts is exact, and holds when they start while Redis is down',
  { skip, timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    await redis.kill()
    const relay = await startCounted(t)
    const hosts = await startHosts(t, overridesOf(relay, redis, 'max_per_hour = 25'))
    await hosts[0]!.waitForLog(/Redis is gone/)
    await Promise.all(hosts.map((haraka) => sendAll(haraka, 'u', 5)))
    await hosts[0]!.waitFor(() => relay.sink.received.length === 10, 'mail without Redis', [relay.sink])
    await redis.start()
    await Promise.all(hosts.map((haraka) => haraka.waitForLog(/Redis is back/)))
    await Promise.all(hosts.map((haraka) => sendAll(haraka, 'u', 25)))
    await hosts[0]!.waitFor(() => relay.sink.received.length >= 25, '25 messages', [relay.sink])
    await Promise.all(
      hosts.map((haraka) => haraka.waitForLog(/relay isp has reached its max_per_hour of 25/)),
    )
    assert.equal(relay.sink.received.length, 25)
  },
)
