import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readSnapshots } from '../../lib/relays/snapshot'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startCounted, type CountedServer } from '../support/smtp-counted'

// Limits over four worker processes of a real server, also while they are killed.

async function start(t: TestContext, options: HarakaOptions): Promise<HarakaServer> {
  const haraka = await HarakaServer.start({ nodes: 4, loglevel: 'NOTICE', ...options })
  t.after(() => haraka.close())
  return haraka
}

const overrides = (relay: CountedServer, ...limits: string[]) =>
  ['* @isp', '[relay:isp]', 'host = 127.0.0.1', `port = ${relay.port}`, ...limits].join('\n')

async function sendAll(haraka: HarakaServer, count: number): Promise<string[]> {
  const recipients = Array.from({ length: count }, (_, n) => `u${n}@example.com`)
  const left = [...recipients]
  const one = async () => {
    const client = await SmtpClient.open(haraka.port)
    for (let to = left.shift(); to !== undefined; to = left.shift()) await client.send({ to })
    await client.quit()
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return recipients
}

const workerPids = (haraka: HarakaServer) =>
  readSnapshots(join(haraka.folder, STATE_FOLDER), Date.now())
    .filter(({ role }) => role === 'worker')
    .map(({ pid }) => pid)

test('120 messages of four workers use at most two connections, without waiting', async (t) => {
  const relay = await startCounted(t)
  const haraka = await start(t, { overrides: overrides(relay, 'max_connections = 2') })
  const from = performance.now()
  const recipients = await sendAll(haraka, 120)
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay.sink])
  t.diagnostic(`${Math.round(performance.now() - from)} ms`)
  assert.deepEqual(relay.sink.received.flatMap(({ rcptTo }) => rcptTo).sort(), recipients.toSorted())
  assert.equal(relay.most(), 2)
})

test('with a full queue at the start all workers together use at most six connections', async (t) => {
  const relay = await startCounted(t, { answerMs: 100 })
  const haraka = await start(t, { overrides: overrides(relay, 'max_connections = 6') })
  await sendAll(haraka, 100)
  await haraka.kill9()
  await haraka.restart()
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay.sink])
  assert.equal(relay.most(), 6)
})

test(
  'limits of two connections and 37 an hour hold while workers and the server are killed',
  { timeout: 600_000 },
  async (t) => {
    const relay = await startCounted(t, { answerMs: 30 })
    const haraka = await start(t, {
      overrides: overrides(relay, 'max_connections = 2', 'max_per_hour = 37'),
    })
    const taken = (count: number) =>
      haraka.waitFor(() => relay.sink.received.length >= count, `${count} messages`, [relay.sink])
    const sending = sendAll(haraka, 100).catch(() => 'a client of a worker that was killed')
    for (const count of [4, 8, 12]) {
      await taken(count)
      const [pid] = workerPids(haraka)
      process.kill(pid!, 'SIGKILL')
    }
    await taken(16)
    await haraka.kill9()
    await sending
    while (relay.open() > 0) await new Promise((done) => setTimeout(done, 10))
    await haraka.restart()
    await haraka.waitForLog(/relay isp has reached its max_per_hour of 37/, 0)
    while (relay.open() > 0) await new Promise((done) => setTimeout(done, 10))
    t.diagnostic(`${relay.sink.received.length} of 37 taken`)
    assert.equal(relay.most(), 2)
    assert.ok(relay.sink.received.length <= 37)
    assert.ok(relay.sink.received.length >= 37 - 3 * 2 - 4, 'what was under way counts, no more than that')
  },
)
