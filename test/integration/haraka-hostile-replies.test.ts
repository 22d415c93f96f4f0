import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { readQueueFile } from '../../lib/haraka-files/queue-file'
import { run } from '../commands/terminal'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startSink, type Sink } from '../support/smtp-sink'

// What a hostile server says, at each step: one printable line of at most 500 characters wherever it is kept or shown.

/** Characters of a reply that are kept. */
const LONGEST = 500
const STAGES = ['mail', 'rcpt', 'data', 'dot'] as const
const CODES = ['451', '554'] as const

/** What the server says, after its code: the bytes are those of Latin-1. */
const REPLIES: Readonly<Record<string, (code: string) => string>> = {
  'one line of 64 kB': (code) => `${code} 5.7.1 ${'x'.repeat(65_536)}\r\n`,
  '10,000 lines': (code) => `${`${code}-${'x'.repeat(60)}\r\n`.repeat(10_000)}${code} end\r\n`,
  '400 lines': (code) => `${`${code}-${'x'.repeat(100)}\r\n`.repeat(400)}${code} end\r\n`,
  NUL: (code) => `${code} zero \0 and \0\0\r\n`,
  'escapes of a terminal': (code) => `${code} \x1b[2J\x1b[31m\x1b]0;title\x07 \x9b2J \x08\x7f\r\n`,
  'carriage returns in odd places': (code) => `${code} one\rtwo\r\r\n`,
  'line feeds alone, and a line of the log': (code) =>
    `${code}-one\n${code} two\n[NOTICE] [-] [dns-overrides] forged by a server\n`,
  'Latin-1 and what is no UTF-8': (code) => `${code} caf\xe9 \xff\xfe \xc3(\r\n`,
  'marks of direction and line separators': (code) =>
    `${code} ${Buffer.from('\u202egnp.exe\u2028\u2029\u200b\ufeff').toString('latin1')}\r\n`,
}

const KINDS = Object.keys(REPLIES)

/** Says what the sender's address asks for: `KIND-STAGE-CODE@`. A server of its own: no good library sends such bytes. */
function startHostile(): Promise<Server> {
  const serve = (socket: Socket) => {
    let wanted: { reply: string; stage: string } | undefined
    let inData = false
    let rest = ''
    const say = (stage: string, usual: string) =>
      socket.write(wanted?.stage === stage ? Buffer.from(wanted.reply, 'latin1') : `${usual}\r\n`)
    const hear = (line: string) => {
      if (inData) {
        if (line !== '.') return
        inData = false
        say('dot', '250 taken')
        return
      }
      const [, kind, stage, code] = /^MAIL FROM:<(\d+)-(\w+)-(\d+)@/.exec(line) ?? []
      if (kind !== undefined) wanted = { reply: REPLIES[KINDS[Number(kind)]!]!(code!), stage: stage! }
      switch (line.slice(0, 4).toUpperCase()) {
        case 'MAIL':
          say('mail', '250 fine')
          return
        case 'RCPT':
          say('rcpt', '250 fine')
          return
        case 'DATA':
          inData = wanted?.stage !== 'data'
          say('data', '354 go on')
          return
        case 'QUIT':
          socket.end('221 bye\r\n')
          return
        default:
          socket.write('250 hostile.example\r\n')
      }
    }
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n')
      rest = lines.pop() ?? ''
      lines.forEach(hear)
    })
    socket.write('220 hostile.example ESMTP\r\n')
  }
  const server = createServer(serve)
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)))
}

/** Tells how late the event loop was and how much CPU time went by, when a client says NOOP. */
const METER = `
const { monitorEventLoopDelay } = require('node:perf_hooks')
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
exports.hook_noop = function (next) {
  const { user, system } = process.cpuUsage()
  const text = { max: delay.max / 1e6, p99: delay.percentile(99) / 1e6, cpu: (user + system) / 1e3 }
  delay.reset()
  this.lognotice('METER ' + JSON.stringify(text))
  next()
}
`

let hostile: Server
let reports: Sink
let haraka: HarakaServer

before(async () => {
  hostile = await startHostile()
  reports = await startSink()
  haraka = await HarakaServer.start({
    overrides: `
client.example 127.0.0.1:${reports.port} $end
* 127.0.0.1:${(hostile.address() as AddressInfo).port}
`,
    outbound: ['temp_fail_intervals=1h*10', 'local_mx_ok=true', 'connect_timeout=10'],
    plugins: { meter: METER },
  })
})

after(async () => {
  await haraka?.close()
  await reports?.close()
  hostile?.close()
})

interface Meter {
  readonly max: number
  readonly p99: number
  readonly cpu: number
}

async function readMeter(): Promise<Meter> {
  const mark = haraka.mark()
  const client = await SmtpClient.open(haraka.port)
  await client.command('NOOP', 250)
  await client.quit()
  const line = await haraka.waitForLog(/METER/, mark)
  return JSON.parse(/METER (\{.*\})/.exec(line)![1]!) as Meter
}

const attemptsOf = (name: string) => Number(name.split('_')[2])
/** The queue holds nothing but messages that wait. */
const isAtRest = () => haraka.queueFiles().every((name) => attemptsOf(name) === 1)

/** Sends one message for each sender, and waits until all are refused. */
async function sendAll(senders: readonly string[]): Promise<void> {
  const left = [...senders]
  const client = await SmtpClient.open(haraka.port)
  const ended = new RegExp(`(?:Temp failing|bouncing mail|delivered file)`)
  const mark = haraka.mark()
  for (const from of left) await client.send({ from, to: 'u@hostile.example' })
  await client.quit()
  const done = () => haraka.lines(ended, mark).length >= senders.length && isAtRest()
  await haraka.waitFor(done, 'the end of all', [reports], 90_000)
}

const LONGEST_RUN = new RegExp(`x{${LONGEST}}`)
const WILD = /[^\P{Cc}\r\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/u

/** The text is printable, and has no more than {@link LONGEST} characters of what a server said in a row. */
function assertTame(text: string, where: string): void {
  for (const pattern of [WILD, LONGEST_RUN, /^\[NOTICE\] \[-\] \[dns-overrides\] forged/m]) {
    const at = pattern.exec(text)?.index
    const shown = at === undefined ? '' : JSON.stringify(text.slice(Math.max(0, at - 200), at + 40))
    assert.equal(at, undefined, `${where}: ${String(pattern)} in ${shown}`)
  }
}

test('a hostile reply is one printable line of at most 500 characters in log, notes, reports and explain', async (t) => {
  const idle = await readMeter()
  const plain = KINDS.flatMap((_, kind) => STAGES.map((stage) => `plain-${kind}-${stage}@client.example`))
  await sendAll(plain)
  const quiet = await readMeter()
  const senders = KINDS.flatMap((_, kind) =>
    STAGES.flatMap((stage) => CODES.map((code) => `${kind}-${stage}-${code}@client.example`)),
  )
  await sendAll(senders)
  const loud = await readMeter()
  const [plainCpu, hostileCpu] = [
    (quiet.cpu - idle.cpu) / plain.length,
    (loud.cpu - quiet.cpu) / senders.length,
  ]
  t.diagnostic(
    `CPU time a message: plain ${plainCpu.toFixed(1)} ms, hostile ${hostileCpu.toFixed(1)} ms; event loop late at most ` +
      `${quiet.max.toFixed(0)} and ${loud.max.toFixed(0)} ms, 99 % below ${quiet.p99.toFixed(0)} and ${loud.p99.toFixed(0)} ms`,
  )
  assert.ok(hostileCpu < 200, 'no reply takes long to read')

  assertTame(haraka.log, 'log')
  const waiting = haraka.queueFiles()
  const seen = new Set<string>()
  for (const name of waiting) {
    const path = join(haraka.folder, 'queue', name)
    const { mailFrom, reply, history } = readQueueFile(path)
    seen.add(mailFrom)
    for (const text of [reply, ...history.map((attempt) => attempt.text)]) {
      assertTame(text, mailFrom)
      assert.ok(text.length <= LONGEST, mailFrom)
    }
    assert.equal(history.length, 1)
    assert.notEqual(history[0]!.text, '')
    const { status, out, err } = await run(['explain', '--queue', path, '-c', haraka.folder, '--offline'], {
      now: Date.now,
    })
    assert.equal(status, 0, err)
    assertTame(out, mailFrom)
  }
  const bounced = senders.filter((sender) => !seen.has(sender))
  const temporary = senders.filter((sender) => sender.includes('-451@'))
  assert.deepEqual(
    temporary.filter((sender) => !seen.has(sender)),
    [],
    'what was refused for now waits',
  )
  await haraka.waitFor(() => reports.received.length >= bounced.length, 'the reports', [reports])
  assert.deepEqual(
    reports.received.flatMap(({ rcptTo }) => rcptTo).toSorted(),
    bounced.toSorted(),
    'one report for each that was refused for good',
  )
  t.diagnostic(`${bounced.length} bounced, ${waiting.length} wait`)
  for (const { data, rcptTo } of reports.received) assertTame(data, String(rcptTo))
})
