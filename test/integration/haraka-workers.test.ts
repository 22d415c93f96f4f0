import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startSink, type Sink, type SinkOptions } from '../support/smtp-sink'

// Many messages, several workers, and a server that is killed: nothing is lost, and nothing doubled that was not under way.

async function sink(t: TestContext, options?: SinkOptions): Promise<Sink> {
  const started = await startSink(options)
  t.after(() => started.close())
  return started
}

async function start(t: TestContext, options: HarakaOptions): Promise<HarakaServer> {
  const haraka = await HarakaServer.start(options)
  t.after(() => haraka.close())
  return haraka
}

/** Sends the messages over so many connections at once. */
async function sendAll(
  haraka: HarakaServer,
  recipients: readonly string[],
  connections: number,
): Promise<void> {
  const left = recipients.map((to, number) => ({ to, subject: String(number) }))
  const one = async () => {
    const client = await SmtpClient.open(haraka.port)
    for (let message = left.shift(); message !== undefined; message = left.shift()) await client.send(message)
    client.destroy()
  }
  await Promise.all(Array.from({ length: connections }, one))
}

/** How often each recipient was taken. */
function counts(sinks: readonly Sink[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const address of sinks.flatMap(({ received }) => received.flatMap(({ rcptTo }) => rcptTo))) {
    found.set(address, (found.get(address) ?? 0) + 1)
  }
  return found
}

for (const nodes of [0, 2]) {
  test(`${nodes === 0 ? 'one process' : `${nodes} workers`}: each of 400 concurrent messages arrives once, where its rule says`, async (t) => {
    const sinks = [await sink(t), await sink(t), await sink(t)]
    const haraka = await start(t, {
      nodes,
      loglevel: 'NOTICE',
      overrides: `
mx_sending_threads = 20
a.example 127.0.0.1:${sinks[0]!.port} $end
b.example 127.0.0.1:${sinks[1]!.port} $end
*         127.0.0.1:${sinks[2]!.port}
`,
    })
    const recipients = Array.from({ length: 400 }, (_, n) => `u${n}@${['a', 'b', 'c', 'd'][n % 4]}.example`)
    await sendAll(haraka, recipients, 8)
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [], 60_000)
    assert.deepEqual(
      sinks.map(({ received }) => received.length),
      [100, 100, 200],
    )
    assert.equal(counts(sinks).size, recipients.length)
    assert.ok(sinks[0]!.received.every(({ rcptTo }) => rcptTo[0]!.endsWith('@a.example')))
    assert.ok(sinks[1]!.received.every(({ rcptTo }) => rcptTo[0]!.endsWith('@b.example')))
    assert.deepEqual(
      haraka.lines(/\[(CRIT|ERROR)\]/).filter((line) => !/tls (key|cert)/.test(line)),
      [],
    )
  })
}

for (const nodes of [0, 2]) {
  test(`${nodes === 0 ? 'one process' : `${nodes} workers`}: kill -9 while mail is delivered loses nothing`, async (t) => {
    let open: () => void = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const underWay = new Set<string>()
    let changed: () => void = () => {}
    const arriving = { onReceived: (listener: () => void) => void (changed = listener) }
    let holding = true
    const server = await sink(t, {
      answer: async (stage, session) => {
        if (stage !== 'data' || !holding) return undefined
        for (const { address } of session.envelope.rcptTo) underWay.add(address)
        changed()
        await gate
        return undefined
      },
    })
    const haraka = await start(t, {
      nodes,
      overrides: `mx_sending_threads = 6\n* 127.0.0.1:${server.port}\n`,
    })
    const recipients = Array.from({ length: 40 }, (_, n) => `u${n}@example.com`)
    await sendAll(haraka, recipients, 4)
    while (!haraka.everyWorkerHas(6)) {
      recipients.push(`u${recipients.length}@example.com`)
      await haraka.send({ to: recipients.at(-1)! })
    }
    await haraka.waitFor(() => underWay.size === 6, 'as many messages under way as may be', [arriving])
    await haraka.kill9()
    // The other side had them all, and takes them: what Haraka could not hear any more it has to send again.
    holding = false
    open()
    await haraka.restart()
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [], 60_000)

    const times = counts([server])
    assert.deepEqual(
      recipients.filter((address) => !times.has(address)),
      [],
      'lost',
    )
    const doubled = [...times].filter(([, count]) => count > 1)
    t.diagnostic(`${doubled.length} of ${underWay.size} under way were sent twice`)
    assert.deepEqual(
      doubled.filter(([address, count]) => count > 2 || !underWay.has(address)),
      [],
      'doubled',
    )
  })
}
