import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readSnapshots } from '../../lib/relays/snapshot'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import type { ServerStatus } from '../../lib/relays/types'
import { runProcess } from '../support/cli'
import { HarakaServer } from '../support/haraka-server'
import { needsRedis, RedisServer } from '../support/redis-server'
import { startRefusing } from '../support/smtp-refusing'
import { startSink } from '../support/smtp-sink'
import { until } from '../support/until'

// Two Haraka folders as two hosts, two workers each, and one Redis.

const skip = needsRedis()

async function startHosts(t: TestContext, overrides: string): Promise<readonly HarakaServer[]> {
  const start = async () => {
    const haraka = await HarakaServer.start({ nodes: 2, overrides })
    t.after(() => haraka.close())
    return haraka
  }
  return Promise.all([start(), start()])
}

const workersOf = ({ folder }: HarakaServer) =>
  readSnapshots(join(folder, STATE_FOLDER), Date.now()).filter(({ role }) => role === 'worker')

/** Is the relay so in every worker of every host? */
const isEverywhere = (hosts: readonly HarakaServer[], is: (relay: ServerStatus) => boolean) =>
  hosts.every((haraka) => {
    const workers = workersOf(haraka)
    return (
      workers.length === 2 &&
      workers.every(({ servers }) => servers.some((each) => each.name === 'isp' && is(each)))
    )
  })

test(
  'a relay that fails once is left out by every worker of both hosts, and one message tries it again',
  { skip, timeout: 600_000 },
  async (t) => {
    const redis = await RedisServer.start(t)
    const relay = await startRefusing(t)
    const backup = await startSink()
    t.after(() => backup.close())
    const section = (name: string, port: number) => [`[relay:${name}]`, 'host = 127.0.0.1', `port = ${port}`]
    const overrides = [
      '* @isp $priority:1',
      '* @backup $priority:2',
      redis.section(),
      ...section('isp', relay.port),
      'retry_after = 20s',
      ...section('backup', backup.port),
    ]
    const hosts = await startHosts(t, overrides.join('\n'))
    const sendToAll = async (count: number) => {
      const before = backup.received.length
      const messages = Array.from({ length: count }, (_, n) =>
        hosts[n % 2]!.send({ to: `u${n}@example.com` }),
      )
      await Promise.all(messages)
      await hosts[0]!.waitFor(() => backup.received.length === before + count, `${count} messages`, [backup])
    }
    await sendToAll(1)
    assert.equal(relay.connections(), 1)
    await until(() => isEverywhere(hosts, ({ breaker }) => breaker === 'open'), 'the breaker')
    await sendToAll(8)
    assert.equal(relay.connections(), 1)
    const shown = await runProcess(['relays'], { cwd: hosts[1]!.folder })
    assert.match(shown.out, /isp.*\n?.*left out/)
    const [{ retryAt }] = workersOf(hosts[1]!)[0]!.servers.filter(({ name }) => name === 'isp') as [
      ServerStatus,
    ]
    await until(() => Date.now() > retryAt! + 500, 'the end of the pause')
    await sendToAll(12)
    assert.equal(relay.connections(), 2)
    for (const haraka of hosts) assert.deepEqual(haraka.lines(/unhandled|\[CRIT\]/i), [])
  },
)

test('a hold of one host holds on the other, and so does its end', { skip, timeout: 600_000 }, async (t) => {
  const redis = await RedisServer.start(t)
  const relay = await startSink()
  t.after(() => relay.close())
  const overrides = ['* @isp', redis.section(), '[relay:isp]', 'host = 127.0.0.1', `port = ${relay.port}`]
  const hosts = await startHosts(t, overrides.join('\n'))
  const isHeld = (held: boolean) =>
    hosts.every((haraka) => {
      const workers = workersOf(haraka)
      return workers.length === 2 && workers.every(({ holds }) => (holds.length === 1) === held)
    })
  for (const round of [0, 1]) {
    for (const [index, words] of [
      [0, ['--hold', 'isp', '--reason', 'they block us']],
      [1, ['--resume', 'isp']],
    ] as const) {
      const [here, other] = [hosts[index]!, hosts[1 - index]!]
      const mark = other.mark()
      const done = await runProcess(['relays', ...words], { cwd: here.folder })
      assert.equal(done.status, 0, done.err)
      await until(() => isHeld(index === 0), words.join(' '))
      if (index === 1) continue
      const { out } = await runProcess(['relays'], { cwd: other.folder })
      assert.match(out, /isp.*held.*they block us/)
      await other.send({ to: `u${round}@example.com` })
      await other.waitForLog(/relay isp is held by hand: they block us/, mark)
      assert.equal(relay.received.length, round)
    }
    await hosts[1]!.waitFor(() => relay.received.length === round + 1, 'the message that waited', [relay])
  }
})
