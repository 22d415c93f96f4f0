import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDomainMail } from '../support/domain-mail'
import { needsRedis, RedisServer } from '../support/redis-server'
import { until } from '../support/until'

// Two Haraka folders as two hosts, two workers each, and one Redis.

const skip = needsRedis()
const DOMAINS = 15
/** MX, and A and AAAA of two hosts. */
const ANSWERS = 5 * DOMAINS

test(
  'two hosts share DNS answers, and a restarted host needs few queries',
  { skip, timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const { hosts, send, questions } = await startDomainMail(t, { domains: DOMAINS, redis })
    await until(async () => (await connections(redis)) === 6, 'the connections of all processes')
    // On a machine that is busy with other tests, 100 ms may pass without a reply. DNS is asked then, so the number says nothing.
    const isSlow = () => hosts.some((haraka) => haraka.lines(/Redis is gone \(no reply/).length > 0)
    const assertFew = (asked: number, most: number) =>
      assert.ok(asked < most || isSlow(), `${asked} questions`)
    await send(DOMAINS)
    // Two workers may look for the same answer in the same moment.
    const cold = questions()
    assert.ok(cold >= ANSWERS, `${cold} questions`)
    assertFew(cold, 1.5 * ANSWERS)
    await until(
      async () => Number(await redis.command('ZCARD', 'dns_overrides:v1:answers')) >= 0.9 * ANSWERS,
      'the answers',
    )
    await send(DOMAINS * 6)
    const few = ANSWERS / 5
    assertFew(questions() - cold, few)
    await hosts[1]!.stop()
    await hosts[1]!.restart()
    await until(async () => (await connections(redis)) === 6, 'the connections of all processes')
    await send(DOMAINS * 2)
    assertFew(questions() - cold, 2 * few)
    t.diagnostic(`${DOMAINS * 9} messages to ${DOMAINS} domains: ${questions()} questions`)
  },
)

test(
  'mail is delivered while Redis hangs, holds garbage, is empty or is killed',
  { skip, timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const { hosts, send, sink } = await startDomainMail(t, { domains: 60, redis })
    await send(10)
    await redis.command('CLIENT', 'PAUSE', '1000')
    await send(20)
    const keys = (await redis.command('KEYS', 'dns_overrides:v1:answer*')) as readonly string[]
    for (const key of keys) await redis.command('SET', key, 'garbage', 'PX', '60000')
    await send(30)
    await redis.command('FLUSHALL')
    await send(40)
    await redis.kill()
    await send(60)
    assert.equal(sink.received.length, 160)
    for (const haraka of hosts) assert.deepEqual(haraka.lines(/unhandled|uncaught|\[CRIT\]/i), [])
  },
)

/** Of the plugin: the one that asks is not counted. */
async function connections(redis: RedisServer): Promise<number> {
  return (
    String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n').length - 1
  )
}
