import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import { a, mx, startZone } from '../support/dns-scripted'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startCounted } from '../support/smtp-counted'
import { startSink } from '../support/smtp-sink'

// Limits of direct mail over several domains, exchanges and workers of a real server.

async function start(t: TestContext, options: HarakaOptions): Promise<HarakaServer> {
  // On a busy machine a message may wait for minutes: it must not become too old for a wait that is not counted.
  const outbound = ['temp_fail_intervals=5s*100', 'local_mx_ok=true']
  const haraka = await HarakaServer.start({ nodes: 2, loglevel: 'NOTICE', outbound, ...options })
  t.after(() => haraka.close())
  return haraka
}

async function sendAll(haraka: HarakaServer, recipients: readonly string[], clients = 4): Promise<void> {
  const left = [...recipients]
  const one = async () => {
    const client = await SmtpClient.open(haraka.port)
    for (let to = left.shift(); to !== undefined; to = left.shift()) await client.send({ to })
    await client.quit()
  }
  await Promise.all(Array.from({ length: clients }, one))
}

const recipientsAt = (count: number, ...domains: readonly string[]) =>
  Array.from({ length: count }, (_, n) => `u${n}@${domains[n % domains.length]}`)

test('where Haraka never tries again, what is over a limit waits, and does not bounce', async (t) => {
  const relay = await startCounted(t, { answerMs: 50 })
  const sender = await startSink()
  t.after(() => sender.close())
  const haraka = await start(t, {
    nodes: 0,
    outbound: ['temp_fail_intervals=none', 'local_mx_ok=true'],
    overrides: `client.example ${sender.host}:${sender.port} $end
* @isp $end
[relay:isp]
host = 127.0.0.1
port = ${relay.port}
max_connections = 1
`,
  })
  await sendAll(haraka, recipientsAt(12, 'd.example'))
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay.sink, sender])
  assert.deepEqual([relay.sink.received.length, sender.received.length], [12, 0])
})

test(
  '250 messages of two workers to three domains of one provider: at most two connections, and other mail does not wait',
  { timeout: 600_000 },
  async (t) => {
    const provider = await startCounted(t, { host: '127.0.0.6', answerMs: 5 })
    const { port } = provider
    const others = await startSink({ host: '127.0.0.7', port })
    const zone = await startZone({
      'mx.provider.example': [a('127.0.0.6')],
      'mx.other.example': [a('127.0.0.7')],
      'other.example': [mx(10, 'mx.other.example')],
      ...Object.fromEntries(
        ['one', 'two', 'three'].map((name) => [`${name}.example`, [mx(10, 'mx.provider.example')]]),
      ),
    })
    t.after(async () => {
      await others.close()
      await zone.stop()
    })
    const haraka = await start(t, {
      overrides: `dns_servers = 127.0.0.1:${zone.port}
[direct]
port = ${port}
[direct:provider]
max_connections = 2
[overrides]
* @provider $dnsmx:*.provider.example $end
`,
    })
    const sendOthers = async (): Promise<number> => {
      const from = performance.now()
      const goal = others.received.length + 50
      await sendAll(haraka, recipientsAt(50, 'other.example'), 1)
      const taken = () => others.received.length >= goal
      await haraka.waitFor(taken, 'other mail', [others])
      return performance.now() - from
    }
    const alone = await sendOthers()
    const recipients = recipientsAt(250, 'one.example', 'two.example', 'three.example')
    await sendAll(haraka, recipients)
    const waiting = recipients.length - provider.sink.received.length
    const beside = await sendOthers()
    const stillWaiting = recipients.length - provider.sink.received.length
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [provider.sink], 120_000)
    t.diagnostic(
      `50 other messages: alone ${Math.round(alone)} ms, beside ${waiting} that wait (${stillWaiting} at the end) ` +
        `${Math.round(beside)} ms: ${(beside / alone).toFixed(2)} times`,
    )
    assert.deepEqual(provider.sink.received.flatMap(({ rcptTo }) => rcptTo).sort(), recipients.toSorted())
    assert.equal(provider.most(), 2)
    assert.equal(haraka.lines(/Temp failing|bounce/i).length, 0, 'waiting for a place is not an attempt')
  },
)

test(
  'terms and a relay of one connection each deliver all mail, each as the fallback of the other',
  { timeout: 600_000 },
  async (t) => {
    const provider = await startCounted(t, { host: '127.0.0.6', answerMs: 2 })
    const { port } = provider
    const relay = await startCounted(t, { answerMs: 2 })
    const refuser = createServer((socket) => socket.end('421 not now\r\n'))
    refuser.listen(port, '127.0.0.8')
    await once(refuser, 'listening')
    const zone = await startZone({
      'mx1.provider.example': [a('127.0.0.8')],
      'mx2.provider.example': [a('127.0.0.6')],
      ...Object.fromEntries(
        ['direct', 'relay'].map((name) => [
          `${name}.example`,
          [mx(10, 'mx1.provider.example'), mx(20, 'mx2.provider.example')],
        ]),
      ),
    })
    t.after(async () => {
      refuser.close()
      await zone.stop()
    })
    const haraka = await start(t, {
      overrides: `dns_servers = 127.0.0.1:${zone.port}
[direct:provider]
port = ${port}
max_connections = 1
retry_after = 1s
[relay:isp]
host = 127.0.0.1
port = ${relay.port}
max_connections = 1
[overrides]
direct.example  @provider
direct.example  @isp       $priority:15
relay.example   @isp       $priority:5
relay.example   @provider
`,
    })
    const recipients = recipientsAt(60, 'direct.example', 'relay.example')
    await sendAll(haraka, recipients)
    const empty = () => haraka.queueFiles().length === 0
    await haraka.waitFor(empty, 'an empty queue', [provider.sink, relay.sink])
    const taken = [provider, relay].map(({ sink }) => sink.received.flatMap(({ rcptTo }) => rcptTo))
    t.diagnostic(`direct ${taken[0]!.length}, relay ${taken[1]!.length}`)
    assert.deepEqual(taken.flat().sort(), recipients.toSorted())
    assert.ok(taken.every((part) => part.length > 0))
    assert.deepEqual([provider.most(), relay.most()], [1, 1])
  },
)

test('max_per_hour of a section counts the messages to all its exchanges', async (t) => {
  const provider = await startCounted(t, { host: '127.0.0.6' })
  const { port } = provider
  const zone = await startZone({
    'mx1.provider.example': [a('127.0.0.6')],
    'mx2.provider.example': [a('127.0.0.6')],
    'one.example': [mx(10, 'mx1.provider.example')],
    'two.example': [mx(10, 'mx2.provider.example')],
  })
  t.after(() => zone.stop())
  const haraka = await start(t, {
    overrides: `dns_servers = 127.0.0.1:${zone.port}\n[direct]\nport = ${port}\nmax_per_hour = 5\n`,
  })
  await sendAll(haraka, recipientsAt(12, 'one.example', 'two.example'))
  const waits = /waiting \d+ s, not counted as an attempt: \[direct\] has reached its max_per_hour of 5/
  const isAtRest = () =>
    provider.sink.received.length === 5 && haraka.queueFiles().length === 7 && haraka.lines(waits).length >= 7
  await haraka.waitFor(isAtRest, 'five that are taken and seven that wait', [provider.sink])
})
