import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { decidedBy } from '../support/decided'
import { configure } from '../support/rules'
import { queueAddress, queueBytes, temporaryFolder } from './folder'
import { startReporting } from './reporting-server'
import { run } from './terminal'

const NOW = Date.UTC(2026, 4, 17, 12)
const ID = '8B1F2C3D-1111-4222-8333-444455556666'
const NAME = `${NOW - 600_000}_${NOW + 90_000}_2_814_Xk0q1c_3_mail`
const FILE = 'x.example a.test\n'

const attempt = (minutes: number, changes: object = {}) => ({
  at: NOW - minutes * 60_000,
  by: 'line 1',
  server: 'a.test:25',
  tls: true,
  failed: 'rcpt',
  text: '451 4.7.1 later',
  ...changes,
})

function todo(changes: object = {}) {
  return {
    queue_time: NOW - 600_000,
    domain: 'x.example',
    rcpt_to: [queueAddress('u@x.example')],
    mail_from: queueAddress('boss@corp.example'),
    uuid: `${ID}.1.1`,
    notes: {
      dns_overrides: {
        history: [attempt(10), attempt(5, { tls: false, failed: 'connect', text: 'no connection' })],
      },
    },
    ...changes,
  }
}

function setup() {
  const folder = temporaryFolder()
  folder.write('config/dns_overrides.ini', FILE)
  mkdirSync(join(folder.path, 'queue'))
  return {
    ...folder,
    state: join(folder.path, STATE_FOLDER),
    queue: (name: string, changes: object = {}) =>
      folder.write(`queue/${name}`, queueBytes(todo(changes), 'hello')),
    why: (...words: string[]) => run(['why', ...words], { cwd: folder.path, now: () => NOW }),
  }
}

function startServer(t: TestContext, state: string, decided: object = {}, id = `${ID}.1.1`) {
  const server = startReporting(t, state, () => NOW)
  const configuration = configure(FILE)
  const slot = server.recorder.recordDecision(id, decidedBy(configuration, 'x.example', decided), {
    rules: configuration.rules,
    milliseconds: 1,
  })
  return { ...server, slot }
}

test('why: shows each attempt, what the message waits for, the decision now, and the timeline', async () => {
  const { queue, why, path } = setup()
  queue(NAME)
  const { status, out } = await why(`${ID}.1.1`)
  assert.equal(status, 0)
  assert.equal(
    out.slice(0, out.indexOf('Override lines')),
    `${ID}.1.1
  from boss@corp.example to u@x.example, 5 bytes
  ${path}/queue/${NAME}

Attempts
  2026-05-17 11:50:00 UTC  line 1  a.test:25  TLS  failed at rcpt
    451 4.7.1 later
  2026-05-17 11:55:00 UTC  line 1  a.test:25  no TLS  failed at connect
    no connection

No Haraka runs: it is tried when Haraka starts

By the rules as they are now
  from boss@corp.example, 5 bytes, 2 attempts made, queued for 10m

`,
  )
  assert.match(
    out,
    /^If no server accepts it\n {2}retries, time, servers\n {4}2 {2}2026-05-17 12:01:30 UTC {2}a\.test:25 \(by line 1\)$/m,
  )
})

test('why: finds a message by connection id in any case, path, name, earlier name, and recipient', async () => {
  const { queue, why } = setup()
  queue(NAME)
  const earlier = NAME.replace(`_${NOW + 90_000}_2_`, `_${NOW}_1_`)
  const names = [NAME, earlier, `queue/${NAME}`, `queue/${earlier}`]
  for (const words of [
    [ID.toLowerCase()],
    [`[${ID}.1.1]`],
    ...names.map((name) => [name]),
    ['--to', '<U@x.example>'],
  ]) {
    assert.ok((await why(...words)).out.startsWith(`${ID}.1.1\n`), words.join(' '))
  }
})

test('why --to: U-labels and A-labels are the same domain, and a domain alone is wrong usage', async () => {
  const { queue, why } = setup()
  queue(NAME, { rcpt_to: [queueAddress('u@bücher.example')] })
  for (const address of ['u@xn--bcher-kva.example', 'U@BÜCHER.example']) {
    assert.equal((await why('--to', address)).status, 0, address)
  }
  for (const address of ['bücher.example', '', '@bücher.example']) {
    const { status, err } = await why('--to', address)
    assert.equal(status, 64)
    assert.match(err, /^dns-overrides: why: --to takes the address of a recipient, not ".*" \(see /)
  }
})

test('why: with a running server it shows the retry time, an uncounted wait, or an attempt in progress', async (t) => {
  const { queue, why, state } = setup()
  queue(NAME)
  const server = startReporting(t, state, () => NOW)
  server.report()
  assert.match((await why(ID)).out, /^Haraka tries it again at 2026-05-17 12:01:30 UTC, in 1m 30s$/m)
  const { report, slot, recorder } = startServer(t, state)
  const until = NOW + 300_000
  recorder.recordWait({}, { why: 'held', reason: 'relay isp is held by hand', until, at: [] }, slot)
  recorder.recordEnd(slot, { at: NOW, delivered: false, connections: [] }, { tried: [], reason: '' })
  report()
  assert.match(
    (await why(ID)).out,
    /^It has been held since .* UTC, and no attempt is counted: relay isp is held by hand$/m,
  )
  const { messages } = JSON.parse((await why(ID, '--json')).out) as { messages: { waiting?: string }[] }
  assert.equal(messages[0]?.waiting, 'held')
  recorder.recordWait({}, { why: 'quota', reason: 'max_per_hour is reached', until, at: [] }, slot)
  report()
  assert.match((await why(ID)).out, /^It has waited since .*: max_per_hour is reached$/m)
  const tried = startServer(t, state)
  tried.report()
  assert.match((await why(ID)).out, /^It is being tried, or waits for a free server, since .* UTC$/m)
})

test('why: shows a delivered message from the facts of the running server', async (t) => {
  const { why, state } = setup()
  const { report, recorder, slot } = startServer(t, state)
  const connection = { server: 'a.test:25', address: '192.0.2.1', tls: true }
  const connections = [
    { ...connection, failed: 'connect' as const, text: 'no connection' },
    { ...connection, failed: '' as const, text: '250 taken' },
  ]
  recorder.recordEnd(slot, { at: NOW, delivered: true, connections }, { tried: [], reason: '' })
  report()
  const { status, out } = await why(ID)
  assert.equal(
    out,
    `${ID}.1.1
  from a@here.example to b@x.example, 1000 bytes

Attempts
  2026-05-17 12:00:00 UTC  line 1  a.test:25  TLS  failed at connect
    no connection
  2026-05-17 12:00:00 UTC  line 1  a.test:25  TLS  delivered
    250 taken

Delivered at 2026-05-17 12:00:00 UTC
`,
  )
  assert.equal(status, 0)
  assert.ok((await why('--to', 'b@x.example')).out.startsWith(ID))
  const json = JSON.parse((await why(ID, '--json')).out) as {
    messages: { queued: boolean; attempts: object[] }[]
  }
  assert.deepEqual([json.messages[0]!.queued, json.messages[0]!.attempts.length], [false, 2])
})

test('why --json: a queued message, with its next attempt', async () => {
  const { queue, why } = setup()
  queue(NAME)
  const { messages } = JSON.parse((await why(ID, '--json')).out) as {
    messages: { nextAttempt: string; attemptsMade: number; now: { outcome: string; timeline: object } }[]
  }
  assert.equal(messages[0]!.nextAttempt, '2026-05-17T12:01:30.000Z')
  assert.deepEqual([messages[0]!.attemptsMade, messages[0]!.now.outcome], [2, 'deliver'])
  assert.ok('timeline' in messages[0]!.now)
})

test('why: lists the first 20 of several messages', async () => {
  const { queue, why } = setup()
  for (let i = 0; i < 25; i++) queue(NAME.replace('Xk0q1c', `Xk0q${10 + i}`), { uuid: `${ID}.${i}` })
  const { status, out } = await why(ID)
  assert.equal(status, 0)
  assert.equal(out.match(/^8B1F/gm)?.length, 20)
  assert.match(out, /^25 messages \(the first 20 are shown\): for more about one, why ID$/m)
})

test('why: text from outside is printable', async () => {
  const { queue, why } = setup()
  const evil = '\u001b[2J\u202eevil\nnext'
  queue(NAME, {
    mail_from: queueAddress(`${evil}@corp.example`),
    rcpt_to: [queueAddress(`${evil}@x.example`)],
    uuid: `${ID}.1${evil}`,
    notes: { dns_overrides: { history: [attempt(1, { server: evil, by: evil, text: evil })] } },
  })
  const { out } = await why(`queue/${NAME}`)
  for (const character of ['\u001b', '\u202e']) assert.ok(!out.includes(character))
  assert.ok(!/^next/m.test(out))
})

test('why: an unknown message is an error that says where to look', async (t) => {
  const { why, state, path } = setup()
  const first = await why(ID)
  assert.equal(first.status, 70)
  assert.equal(
    first.err,
    `dns-overrides: nothing is known: there is no such message in ${path}/queue. Search Haraka's log for it: "decided" says where it was sent, "delivered file" or "bounce" how it ended\n`,
  )
  startReporting(t, state, () => NOW).report()
  assert.match((await why(ID)).err, /nor among the last decisions of the running server/)
})

test('why: shows the history even if the file has errors', async () => {
  const { queue, why, write } = setup()
  queue(NAME)
  write('config/dns_overrides.ini', 'nonsense')
  const { status, out, err } = await why(ID)
  assert.equal(status, 78)
  assert.match(out, /failed at rcpt/)
  assert.match(err, /dns_overrides\.ini:1:1: error:/)
})

test('why: a FIFO, random bytes and crafted files are errors of one line', async () => {
  const { why, write, path, queue } = setup()
  execFileSync('mkfifo', [join(path, 'queue', 'pipe')])
  const long = Buffer.alloc(8)
  long.writeUInt32BE(0xffff_ffff)
  const cases: readonly (readonly [string, RegExp])[] = [
    [join(path, 'queue', 'pipe'), /it is not a regular file/],
    [write('queue/rubbish', 'rubbish'), /it is not a queue file of Haraka/],
    [write('queue/long', long), /it is not a queue file of Haraka/],
    [write('queue/list', queueBytes([1, 2], '')), /it is not a queue file of Haraka/],
    [queue('odd', { rcpt_to: 7 }), /it is not a queue file of Haraka/],
    ['queue/none', /there is no such file/],
    ['1_2_0_3_AbCdEf_4_none', /is not in .*queue: it was delivered, bounced or removed/],
    ['nonsense', /"nonsense" is neither an id as in the log nor a file of the queue/],
  ]
  for (const [word, message] of cases) {
    const { status, err } = await why(word)
    assert.equal(status, 64, word)
    assert.match(err, message)
    assert.equal(err.split('\n').length, 2, err)
  }
  assert.equal((await why()).status, 64)
  assert.equal((await why(ID, '--to', 'a@x.example')).status, 64)
})

test('why: a file with malformed notes and times is read as far as possible', async () => {
  const { queue, why } = setup()
  queue(NAME, {
    queue_time: 1e300,
    uuid: { a: 1 },
    notes: { dns_overrides: { history: [{ at: 1e308 }, 7] } },
  })
  const { status, out } = await why(NAME)
  assert.equal(status, 0)
  assert.ok(out.startsWith(NAME))
  assert.equal((await why(NAME, '--json')).status, 0)
})
