import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readQueueFile } from '../../lib/haraka-files/queue-file'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Script, type Scripted } from '../support/smtp-scripted'

// What a server says when it refuses a message decides where it goes next.

const BLOCKED = '550-5.7.1 Mail from 192.0.2.1 was blocked\r\n550 5.7.1 using block list (S3140)'
const UNKNOWN = '550 5.1.1 No such user'

/** Says to each verb what stands in the recipient's name: `blocked-rcpt@`, `unknown-dot@`, `later-mail@`; two names with `+`. */
const REPLIES: Readonly<Record<string, string>> = {
  blocked: BLOCKED,
  unknown: UNKNOWN,
  later: '451 4.7.1 Come again',
}

/** One script for each connection: the whole message is refused by what its first recipient says. */
function refusesByName(): Script {
  let sender = ''
  return (verb, rest) => {
    if (verb === 'MAIL') sender = rest
    const said = verb === 'RCPT' ? rest : sender
    const [, what = '', where = ''] = /<(blocked|unknown|later)-(\w+)/.exec(said) ?? []
    const stage = verb === '.' ? 'dot' : verb.toLowerCase()
    return stage === where ? REPLIES[what] : undefined
  }
}

let zone: ZoneServer
let haraka: HarakaServer
let provider: Scripted
let relay: Scripted
let lmtp: Scripted
let reports: Scripted

const PORTS_PLUGIN = `
const ports = JSON.parse(process.env.PORTS)
exports.hook_server_details = (next, _message, { exchange }) => {
  exchange.port = ports[exchange.host] ?? exchange.port
  next()
}
const told = (name, item, parameters) => item.lognotice('HOOK ' + name + ' ' + JSON.stringify({
  attempts: item.num_failures, recipients: item.todo.rcpt_to.map(String),
  err: String(parameters.err ?? parameters.message ?? ''), delay: parameters.delay,
  fail: (parameters.fail_recips ?? []).map(String), bounced: (parameters.bounced_rcpt ?? []).map(String),
}))
exports.hook_deferred = (next, item, parameters) => { told('deferred', item, parameters); next() }
exports.hook_bounce = (next, item, error) => { told('bounce', item, error); next() }
`

before(async () => {
  provider = await startScripted({ script: refusesByName() })
  relay = await startScripted()
  lmtp = await startScripted()
  reports = await startScripted()
  zone = await startZone({
    'provider.example': [mx(10, 'mx.provider.example')],
    'mx.provider.example': [a('127.0.0.1')],
    'last.example': [mx(10, 'mx.provider.example')],
  })
  haraka = await HarakaServer.start({
    overrides: `
dns_servers = 127.0.0.1:${zone.port}
[relay:isp]
host = 127.0.0.1
port = ${relay.port}
[relay:local]
host = 127.0.0.1
port = ${lmtp.port}
lmtp = true
[overrides]
client.example 127.0.0.1:${reports.port} $end
lmtp.example @isp $reply~=/S3140/ $end
lmtp.example @local $end
lost.lmtp.example @local $end
* @isp $reply~=/^5.*(S3140|spamhaus)/i $end
`,
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true', 'connect_timeout=5'],
    plugins: { ports: PORTS_PLUGIN },
    env: { PORTS: JSON.stringify({ 'mx.provider.example': provider.port }) },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([provider, relay, lmtp, reports].map((server) => server?.close()))
  await zone?.stop()
})

const takenBy = (server: Scripted, recipient: string) =>
  server.taken.filter(({ rcptTo }) => rcptTo.includes(recipient)).length
const reportsOf = (recipient: string) =>
  reports.taken.filter(({ data }) => data.includes(`Final-Recipient: rfc822;${recipient}\r\n`))

interface Told {
  readonly attempts: number
  readonly recipients: readonly string[]
  readonly err: string
  readonly delay?: number
  readonly fail: readonly string[]
  readonly bounced: readonly string[]
}

/** The hooks that other plugins saw, since a place in the log. */
const hooks = (name: string, mark: number): Told[] =>
  haraka
    .lines(new RegExp(`HOOK ${name} `), mark)
    .map((line) => JSON.parse(/(\{.*\})/.exec(line)![1]!) as Told)

async function settle(what: string, condition: () => boolean): Promise<void> {
  await haraka.waitFor(condition, what, [provider, relay, lmtp, reports])
}

for (const stage of ['mail', 'rcpt', 'data', 'dot']) {
  test(`a message refused at ${stage} is sent at once by the line whose $reply matches`, async () => {
    const mark = haraka.mark()
    const recipient = stage === 'rcpt' ? 'blocked-rcpt@provider.example' : `u-${stage}@provider.example`
    await haraka.send({ from: `blocked-${stage}@client.example`, to: recipient })
    await settle('the relay', () => takenBy(relay, recipient) > 0)
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
    assert.equal(takenBy(relay, recipient), 1)
    assert.equal(reportsOf(recipient).length, 0)
    assert.deepEqual(hooks('bounce', mark), [])
    const [deferred, ...others] = hooks('deferred', mark)
    assert.deepEqual(others, [])
    assert.equal(deferred?.delay, 0)
    assert.equal(deferred?.attempts, 1, 'the attempt is counted')
    assert.match(
      deferred?.err ?? '',
      /^550 5\.7\.1 Mail from 192\.0\.2\.1 was blocked using block list \(S3140\)$/,
    )
  })

  test(`a message for an unknown user, refused at ${stage}, bounces once`, async () => {
    const mark = haraka.mark()
    const recipient = stage === 'rcpt' ? 'unknown-rcpt@provider.example' : `n-${stage}@provider.example`
    await haraka.send({ from: `unknown-${stage}@client.example`, to: recipient })
    await settle('the report', () => reportsOf(recipient).length > 0)
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
    assert.equal(reportsOf(recipient).length, 1)
    assert.match(reportsOf(recipient)[0]!.data, /5\.1\.1 .*No such user/)
    assert.equal(takenBy(relay, recipient), 0)
    assert.equal(hooks('bounce', mark).length, 1)
    assert.deepEqual(hooks('deferred', mark), [])
  })
}

test('four recipients of one message are delivered, deferred, bounced and rescued', async () => {
  const mark = haraka.mark()
  const [fine, blocked, unknown, later] = ['fine', 'blocked-rcpt.4', 'unknown-rcpt.4', 'later-rcpt.4'].map(
    (local) => `${local}@provider.example`,
  ) as [string, string, string, string]
  await haraka.send({ from: 's@client.example', to: [fine, blocked, unknown, later] })
  await settle('relay and report', () => takenBy(relay, blocked) > 0 && reportsOf(unknown).length > 0)
  await haraka.waitFor(() => haraka.queueFiles().length === 1, 'one that waits')
  assert.deepEqual(
    [fine, blocked, unknown, later].map((each) => [
      takenBy(provider, each),
      takenBy(relay, each),
      reportsOf(each).length,
    ]),
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ],
  )
  assert.match(reportsOf(unknown)[0]!.data, /5\.1\.1 .*No such user/)
  assert.deepEqual(
    hooks('bounce', mark).map(({ recipients, bounced }) => [recipients, bounced]),
    [[[`<${unknown}>`], [`<${unknown}>`]]],
  )
  assert.deepEqual(
    hooks('deferred', mark)
      .map(({ recipients, fail, delay }) => [recipients, fail, delay])
      .toSorted((one, other) => Number(one[2]) - Number(other[2])),
    [
      [[`<${blocked}>`], [`<${blocked}>`], 0],
      [[`<${later}>`], [`<${later}>`], 3600],
    ],
  )
  const [waiting] = haraka.queueFiles()
  const { reply, failed, retries, history } = readQueueFile(join(haraka.folder, 'queue', waiting!))
  assert.deepEqual([reply, failed, retries], ['451 4.7.1 Come again', 'rcpt', 1])
  assert.deepEqual(
    history.map(({ by, server, tls, text }) => [by, server, tls, text]),
    [['dns', `mx.provider.example:${provider.port}`, false, '451 4.7.1 Come again']],
  )
  // Clears the queue.
  provider.script(undefined)
  await haraka.flushUntil(() => haraka.queueFiles().length === 0, 'an empty queue', [provider])
  provider.script(refusesByName())
})

test('recipients refused at RCPT keep their own reply when the message is refused at the end', async () => {
  const [fine, unknown] = ['fine.5@provider.example', 'unknown-rcpt.5@provider.example']
  await haraka.send({ from: 'blocked-dot@client.example', to: [fine, unknown] })
  await settle('relay and report', () => takenBy(relay, fine!) > 0 && reportsOf(unknown!).length > 0)
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  assert.equal(takenBy(relay, fine!), 1)
  assert.equal(takenBy(relay, unknown!), 0)
  assert.match(reportsOf(unknown!)[0]!.data, /5\.1\.1 .*No such user/)
})

test('if the rescuing relay refuses too, its reply is reported after one try', async () => {
  const recipient = 'blocked-rcpt.6@provider.example'
  relay.script((verb) => (verb === 'RCPT' ? '554 5.7.1 also here (S3140)' : undefined))
  const connections = relay.connections()
  await haraka.send({ from: 's@client.example', to: recipient })
  await settle('the report', () => reportsOf(recipient).length > 0)
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  relay.script(undefined)
  assert.equal(relay.connections() - connections, 1)
  assert.equal(reportsOf(recipient).length, 1)
  assert.match(reportsOf(recipient)[0]!.data, /also here/)
})

test('a rescued message stays with a relay that defers', async () => {
  const recipient = 'blocked-rcpt.7@provider.example'
  relay.script((verb) => (verb === 'RCPT' ? '451 4.3.0 busy' : undefined))
  const mark = haraka.mark()
  const connections = provider.connections()
  await haraka.send({ from: 's@client.example', to: recipient })
  await haraka.waitFor(() => hooks('deferred', mark).length === 2, 'the relay defers')
  relay.script(undefined)
  await haraka.flushUntil(() => haraka.queueFiles().length === 0, 'an empty queue', [relay])
  assert.equal(takenBy(relay, recipient), 1)
  assert.equal(provider.connections() - connections, 1)
  assert.equal(reportsOf(recipient).length, 0)
})

test('LMTP: each recipient has its own reply at the end of the message', async () => {
  const names = ['one', 'two', 'three'].map((local) => `${local}@lmtp.example`)
  let ends = 0
  lmtp.script((verb) => {
    if (verb !== '.') return undefined
    ends++
    return `250 2.0.0 taken\r\n${BLOCKED}\r\n550 5.1.1 No such user`
  })
  await haraka.send({ from: 's@client.example', to: names })
  await settle('relay and report', () => takenBy(relay, names[1]!) > 0 && reportsOf(names[2]!).length > 0)
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  assert.equal(ends, 1)
  assert.deepEqual(
    names.map((each) => [takenBy(relay, each), reportsOf(each).length]),
    [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
  )
})

test('a hostile reply is one printable line of at most 500 characters in the queue file', async () => {
  const recipient = 'hostile@provider.example'
  const junk = '\u001b[2J\u0007\0 caf\u00e9 '
  const lines = Array.from({ length: 400 }, () => `451-${junk}${'x'.repeat(100)}`)
  provider.script((verb) => (verb === 'RCPT' ? [...lines, '451 end'].join('\r\n') : undefined))
  await haraka.send({ from: 's@client.example', to: recipient })
  await haraka.waitFor(() => haraka.queueFiles().some((name) => name.split('_')[2] === '1'), 'it waits')
  provider.script(refusesByName())
  const { reply, history } = readQueueFile(join(haraka.folder, 'queue', haraka.queueFiles()[0]!))
  for (const text of [reply, history[0]!.text]) {
    assert.equal(text.length, 500)
    assert.doesNotMatch(text, /\p{Cc}/u)
    assert.ok(text.startsWith('451 '))
  }
  await haraka.flushUntil(() => haraka.queueFiles().length === 0, 'an empty queue', [provider])
})

test('LMTP: recipients that were delivered before the connection is lost do not get the message again', async () => {
  const names = ['one', 'two', 'three'].map((local) => `${local}@lost.lmtp.example`)
  const mark = haraka.mark()
  const earlier = lmtp.lines.length
  let ends = 0
  lmtp.script((verb) => {
    if (verb !== '.') return undefined
    ends++
    return `250 2.0.0 taken\r\nclose`
  })
  await haraka.send({ from: 's@client.example', to: names })
  await settle('the deferral', () => hooks('deferred', mark).length > 0)
  const [deferred] = hooks('deferred', mark)
  assert.deepEqual(deferred?.recipients, [`<${names[1]}>`, `<${names[2]}>`])
  assert.equal(haraka.lines(/recipient .* deferred: 451 4\.4\.2 .*it closed the connection/, mark).length, 2)
  assert.equal(ends, 1)
  assert.equal(lmtp.lines.slice(earlier).filter((line) => line.startsWith('MAIL')).length, 1)
  assert.deepEqual(
    names.map((each) => reportsOf(each).length),
    [0, 0, 0],
  )
  await haraka.waitFor(() => haraka.queueFiles().length === 1, 'one message that waits')
})
