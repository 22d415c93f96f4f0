import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readQueueFile } from '../../lib/haraka-files/queue-file'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Received, type Sink } from '../support/smtp-sink'

// Direct mail on terms: port, source address and name by section, and what moves a message on to the second MX.

let zone: ZoneServer
let haraka: HarakaServer
let good: Sink
let greylisting: Sink
let refusing: Sink
let blocking: Sink

before(async () => {
  good = await startSink({ host: '127.0.0.3' })
  const { port } = good
  greylisting = await startSink({
    host: '127.0.0.2',
    port,
    answer: (stage) => (stage === 'rcpt' ? { code: 451 } : undefined),
  })
  refusing = await startSink({
    host: '127.0.0.5',
    port,
    answer: (stage) => (stage === 'connect' ? { code: 554 } : undefined),
  })
  blocking = await startSink({
    host: '127.0.0.6',
    port,
    answer: (stage, { remoteAddress }) =>
      stage === 'rcpt' && remoteAddress === '127.0.0.9'
        ? { code: 550, text: '5.7.1 part of their network is on our block list (S3140)' }
        : undefined,
  })
  const firsts = { grey: '127.0.0.2', dead: '127.0.0.4', refuse: '127.0.0.5' }
  const records: Record<string, (ReturnType<typeof a> | ReturnType<typeof mx>)[]> = {
    'good.example': [a('127.0.0.3')],
    'mx.block.example': [a('127.0.0.6')],
    'block.example': [mx(10, 'mx.block.example')],
  }
  for (const [name, address] of Object.entries(firsts)) {
    records[`${name}.example`] = [a(address)]
    for (const terms of ['plain', 'temporary', 'careful']) {
      records[`${name}.${terms}.example`] = [mx(10, `${name}.example`), mx(20, 'good.example')]
    }
  }
  zone = await startZone(records)
  haraka = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}
[direct]
port = ${port}
bind = 127.0.0.9
bind_helo = plain.example
[direct:strict]
bind = 127.0.0.10, ::1
bind_helo = strict.example
next_mx = temporary
[direct:careful]
next_mx = no_answer
[direct:news]
bind = 127.0.0.11
[direct:alice]
bind = 127.0.0.12
bind_helo = alice.example
[direct:second]
bind = 127.0.0.13
[overrides]
*                    @second   $reply~=*S3140*  $end
*.temporary.example  @strict   $end
*.careful.example    @careful  $end
*                    @strict   $from=strict@client.example
*                    @news     $from~=news-*@client.example
*                    @alice    $from=alice@client.example
`,
    outbound: ['temp_fail_intervals=1h*10', 'local_mx_ok=true', 'connect_timeout=5'],
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([good, greylisting, refusing, blocking].map((sink) => sink?.close()))
  await zone?.stop()
})

/** Sends one message; what the second MX got, or that the message waits. */
async function send(domain: string, from = 's@client.example'): Promise<Received | 'defer'> {
  const recipient = `u${Math.random()}@${domain}`
  const mark = haraka.mark()
  await haraka.send({ to: recipient, from })
  const taken = () => good.received.find(({ rcptTo }) => rcptTo.includes(recipient))
  const isDeferred = () => haraka.lines(/Temp failing /, mark).length > 0
  await haraka.waitFor(() => taken() !== undefined || isDeferred(), `the end of ${recipient}`, [good])
  return taken() ?? 'defer'
}

const CASES: readonly (readonly [string, 'second' | 'defer'])[] = [
  ['dead.plain.example', 'second'],
  ['refuse.plain.example', 'second'],
  ['grey.plain.example', 'defer'],
  ['dead.temporary.example', 'second'],
  ['refuse.temporary.example', 'second'],
  ['grey.temporary.example', 'second'],
  ['dead.careful.example', 'second'],
  ['refuse.careful.example', 'defer'],
  ['grey.careful.example', 'defer'],
]

for (const [domain, outcome] of CASES) {
  test(`${domain}: ${outcome}`, async () => {
    const got = await send(domain)
    assert.equal(got === 'defer' ? 'defer' : 'second', outcome)
    if (got === 'defer') return
    const isStrict = domain.includes('temporary')
    assert.deepEqual(
      [got.remoteAddress, got.helo],
      isStrict ? ['127.0.0.10', 'strict.example'] : ['127.0.0.9', 'plain.example'],
    )
  })
}

test('source address and EHLO name can depend on the sender', async () => {
  for (const [from, address, helo] of [
    ['strict@client.example', '127.0.0.10', 'strict.example'],
    ['news-17@client.example', '127.0.0.11', 'plain.example'],
    ['alice@client.example', '127.0.0.12', 'alice.example'],
    ['other@client.example', '127.0.0.9', 'plain.example'],
  ] as const) {
    const got = await send('dead.plain.example', from)
    assert.ok(got !== 'defer', from)
    assert.deepEqual([got.remoteAddress, got.helo], [address, helo], from)
  }
})

test('mail refused for its source address is sent at once from another one by $reply', async () => {
  const mark = haraka.mark()
  await haraka.send({ to: 'u@block.example', from: 's@client.example' })
  await haraka.waitFor(() => blocking.received.length > 0, 'the message', [blocking])
  assert.deepEqual(
    blocking.received.map(({ remoteAddress }) => remoteAddress),
    ['127.0.0.13'],
  )
  assert.equal(haraka.lines(/not bounced but tried again, by \* +@second +\$reply/, mark).length, 1)
})

test('an attempt on terms is kept in the queue file with its line', async () => {
  assert.equal(await send('grey.careful.example', 'kept@client.example'), 'defer')
  const kept = () =>
    haraka
      .queueFiles()
      .flatMap((name) => {
        const path = join(haraka.folder, 'queue', name)
        try {
          return [readQueueFile(path)]
        } catch (error) {
          // Haraka has renamed it meanwhile.
          if (!existsSync(path)) return []
          throw error
        }
      })
      .filter(({ mailFrom, history }) => mailFrom === 'kept@client.example' && history.length > 0)
  await haraka.waitFor(() => kept().length === 1, 'the attempt in the queue file')
  assert.match(kept()[0]!.history[0]!.by, /^line \d+$/)
})

test('the log names the terms and their line', async () => {
  const mark = haraka.mark()
  await send('grey.temporary.example')
  assert.match(haraka.lines(/@strict=/, mark).join('\n'), /10:@strict=grey\.example:\d+\(dns line \d+\)/)
})
