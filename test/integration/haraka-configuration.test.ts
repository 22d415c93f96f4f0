import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startSink, type Sink } from '../support/smtp-sink'

// What becomes of config/dns_overrides.ini at start, on a reload, and in a worker that comes later. A file is read again when it
// has rested for five seconds: that is what these tests take their time with.

const BAD = `
mx_sending_treads = 5
[overrides]
* smtp.isp.example $retris>=4
example.com 192.0.2.1:99999
`

/** Every error of BAD, by place. */
const ERRORS = [/:2:1: error: .*mx_sending_treads/, /:4:20: error: .*\$retris/, /:5:22: error: .*99999/]

for (const nodes of [0, 2]) {
  test(`a file with errors stops Haraka at the start, with all errors (nodes=${nodes})`, async () => {
    const { code, log } = await HarakaServer.startAndFail({ nodes, overrides: BAD })
    assert.equal(code, 1)
    for (const error of ERRORS) {
      const lines = log.split('\n').filter((line) => error.test(line))
      assert.equal(lines.length, 1, `${error} once in:\n${log}`)
    }
    assert.match(log, /config\/dns_overrides\.ini has 3 errors/)
    assert.match(log, /^ *\S* *.*\[CRIT\].* +\^~+$/m, 'with carets')
    assert.doesNotMatch(log, /Listening on/)
    assert.doesNotMatch(log, /\bat .*\.js:\d+/, 'no list of calls between the errors')
  })
}

/** Runs Haraka's own program in a folder where it is not running. */
async function harakaProgram(folder: string, option: string): Promise<{ code: number; output: string }> {
  const program = join(dirname(require.resolve('haraka/package.json')), 'bin', 'haraka')
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, option, '-c', folder])
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout + stderr }
  }
}

test('haraka -o lists the hooks, makes no folder, and shows the errors of the file', async (t) => {
  const haraka = HarakaServer.install({ overrides: '* 127.0.0.1:25\n' })
  t.after(() => haraka.close())
  const { code, output } = await harakaProgram(haraka.folder, '-o')
  assert.equal(code, 0, output)
  assert.match(output, /^dns-overrides +keep_auth_sender +-100 +30$/m)
  assert.match(output, /^dns-overrides +route +0 +30$/m)
  assert.equal(existsSync(join(haraka.folder, 'dns_overrides_state')), false)

  haraka.write('config/dns_overrides.ini', BAD)
  const bad = await harakaProgram(haraka.folder, '-o')
  assert.notEqual(bad.code, 0)
  for (const error of ERRORS) assert.match(bad.output, error)
})

test('a file in place of the state folder is a warning, and mail is delivered', async (t) => {
  const haraka = await HarakaServer.start({
    overrides: 'example.org 127.0.0.1:1\n',
    files: { [STATE_FOLDER]: 'not a folder\n' },
  })
  t.after(() => haraka.close())
  await haraka.waitForLog(/\[WARN\].*relays cannot be shown or held by the command line/)
  await haraka.waitForLog(/\[NOTICE\].*is in force .*lines=1/)
})

test('a missing file is a warning, a new one is read, and an emptied one keeps the rules', async (t) => {
  const haraka = HarakaServer.install({ overrides: '' })
  t.after(() => haraka.close())
  const sink = await startSink()
  t.after(() => sink.close())
  rmSync(join(haraka.folder, 'config', 'dns_overrides.ini'))
  haraka.write('config/dns-overrides.ini', '* 127.0.0.1:25')
  await haraka.restart()
  assert.equal(
    haraka.lines(/\[WARN\] .*is missing, but config\/dns-overrides\.ini is there: rename it\. No rules/)
      .length,
    1,
  )

  haraka.write('config/dns_overrides.ini', `* 127.0.0.1:${sink.port}\n`)
  await haraka.waitForLog(/\[NOTICE\] .*is read again and in force .* lines=1 /)
  haraka.write('config/dns_overrides.ini', '')
  await haraka.waitForLog(/\[NOTICE\] .*is empty: the configuration before it stays in force/)
  await haraka.send({ to: 'a@example.com' })
  await haraka.waitFor(() => sink.received.length === 1, 'the message by the rule', [sink])
})

/** Holds messages in the middle, and counts how many there are at once. */
class Gate {
  inside = 0
  most = 0
  #open: (() => void)[] = []
  #changed: (() => void)[] = []

  async enter(): Promise<undefined> {
    this.most = Math.max(this.most, ++this.inside)
    await new Promise<void>((resolve) => {
      this.#open.push(resolve)
      for (const listener of this.#changed) listener()
    })
    this.inside--
    return undefined
  }

  onReceived(listener: () => void): void {
    this.#changed.push(listener)
  }

  /** Lets one message after the other through, until there have been so many. */
  async letThrough(haraka: HarakaServer, sink: Sink, total: number): Promise<void> {
    while (sink.received.length < total) {
      const taken = sink.received.length
      await haraka.waitFor(() => this.#open.length > 0, 'a message in the middle', [this])
      this.#open.shift()!()
      await haraka.waitFor(() => sink.received.length > taken, 'a message taken', [sink])
    }
  }
}

let gate: Gate
let old: Sink
let fresh: Sink
let haraka: HarakaServer

before(async () => {
  gate = new Gate()
  old = await startSink({ answer: (stage) => (stage === 'data' ? gate.enter() : undefined) })
  fresh = await startSink({ answer: (stage) => (stage === 'data' ? gate.enter() : undefined) })
  haraka = await HarakaServer.start({
    nodes: 2,
    // Each worker says at DEBUG that it has read the file again.
    loglevel: 'DEBUG',
    overrides: `mx_sending_threads = 3\n* 127.0.0.1:${old.port}\n`,
    outbound: ['temp_fail_intervals=5s*10', 'concurrency_max=50'],
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([old?.close(), fresh?.close()])
})

/** What a worker logs that has taken up a changed file. */
const IN_USE = /this process uses the new configuration/

/** Hands in messages by connections of their own, which Haraka deals out to its workers in turn. */
async function handIn(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const client = await SmtpClient.open(haraka.port)
    await client.send({ to: 'a@example.com' })
    client.destroy()
  }
}

/** Hands in so many that every worker has more than it may send at once. Gives their number. */
async function handInEnough(atOnce: number): Promise<number> {
  let count = 2 * atOnce
  await handIn(count)
  for (; !haraka.everyWorkerHas(atOnce); count++) await handIn(1)
  return count
}

/** How many messages are under way at once when there are more than enough. */
async function mostAtOnce(sink: Sink, expected: number): Promise<number> {
  gate.most = 0
  const total = sink.received.length + (await handInEnough(expected))
  await haraka.waitFor(() => gate.inside === expected, `${expected} at once`, [gate])
  await gate.letThrough(haraka, sink, total)
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  return gate.most
}

test('the start of the server is one NOTICE with the configuration in force', async () => {
  const [notice, ...others] = haraka.lines(/dns_overrides\.ini is in force/)
  assert.deepEqual(others, [])
  assert.match(
    notice!,
    /\[NOTICE\] \[-\] \[dns-overrides\] config\/dns_overrides\.ini is in force version=\d\S+ lines=1 attempts=0 relays="" terms="" dns_servers=system dns_zones="" holds=""$/,
  )
})

test('mx_sending_threads is divided between two workers from the first message', async () => {
  assert.equal(await mostAtOnce(old, 3), 3)
})

test('mx_sending_threads survives a reload of outbound.ini, and an edit changes rules and number', async () => {
  const mark = haraka.mark()
  haraka.write('config/outbound.ini', 'temp_fail_intervals=5s*9\nconcurrency_max=60\n')
  await haraka.waitFor(
    () => haraka.lines(/Reloaded file: .*\/outbound\.ini/, mark).length >= 3,
    'outbound.ini is read again',
  )
  assert.equal(await mostAtOnce(old, 3), 3)

  haraka.write('config/dns_overrides.ini', `mx_sending_threads = 4\n* 127.0.0.1:${fresh.port}\n`)
  await haraka.waitFor(() => haraka.lines(IN_USE, mark).length === 2, 'both workers have the new rules')
  const earlier = old.received.length
  assert.equal(await mostAtOnce(fresh, 4), 4)
  assert.equal(
    haraka.lines(/\[NOTICE\] .*is read again and in force/, mark).length,
    1,
    'one NOTICE of the server',
  )
  assert.equal(old.received.length, earlier)
})

test('an edit with errors is logged once, and all previous rules stay in force', async () => {
  const mark = haraka.mark()
  haraka.write('config/dns_overrides.ini', `mx_sending_threads = 9\n* 127.0.0.1:${old.port}\n${BAD}`)
  await haraka.waitForLog(/stays in force/, mark)
  assert.equal(await mostAtOnce(fresh, 4), 4)
  assert.equal(haraka.lines(/\[NOTICE\] .*has 3 errors and is not used: .*stays in force/, mark).length, 1)
  for (const error of [
    /:4:1: error: .*mx_sending_treads/,
    /:6:20: error: .*\$retris/,
    /:7:22: error: .*99999/,
  ]) {
    assert.equal(haraka.lines(error, mark).length, 1, `${error}, once:\n${haraka.since(mark)}`)
  }
})

test('a worker that starts while the file has errors defers its mail until they are fixed', async () => {
  const mark = haraka.mark()
  const worker = Number(/worker started\s.*\bpid=(\d+)/.exec(haraka.log)![1])
  process.kill(worker, 'SIGKILL')
  await haraka.waitForLog(/no mail is sent by this worker until the file is corrected/, mark)
  await haraka.waitForLog(/worker \d+ listening/, mark)
  // While it takes over the queue it also removes what other workers are about to write (outbound/queue.js delete_dot_files).
  await haraka.waitForLog(/\d+ files in my temp fail queue/, mark)
  const total = fresh.received.length + (await handInEnough(1))
  await haraka.waitFor(
    () => haraka.lines(/not counted as an attempt: the configuration has errors/, mark).length > 0,
    'waiting',
  )
  assert.equal(
    haraka.queueFiles().filter((name) => name.split('_')[2] !== '0').length,
    0,
    'no attempt was counted',
  )

  const corrected = haraka.mark()
  haraka.write('config/dns_overrides.ini', `* 127.0.0.1:${fresh.port}\n`)
  await haraka.waitFor(() => haraka.lines(IN_USE, corrected).length === 2, 'both workers have rules')
  const through = gate.letThrough(haraka, fresh, total)
  await haraka.flushUntil(() => haraka.queueFiles().length === 0, 'an empty queue', [fresh])
  await through
  assert.equal(fresh.received.length, total)
})

test('without mx_sending_threads Haraka uses its own number again', async () => {
  gate.most = 0
  const total = fresh.received.length + 12
  await handIn(12)
  await haraka.waitFor(() => gate.inside === 12, 'twelve at once', [gate])
  await gate.letThrough(haraka, fresh, total)
})
