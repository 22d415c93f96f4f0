import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// The hook `server_details`, by a real plugin in a real Haraka.

const PLUGIN = `
const { existsSync } = require('node:fs')
const { PORT, FLAG } = process.env
exports.hook_server_details = function (next, message, { exchange, envelope }) {
  this.loginfo('seen ' + JSON.stringify({ exchange, envelope }))
  switch (envelope.domain) {
    case 'port.example':
      exchange.port = Number(PORT)
      exchange.tls = 'required'
      return next()
    case 'drop.example':
      if (exchange.host === 'bad.dns.example') return next(DENYSOFT, 'not this one')
      exchange.port = Number(PORT)
      return next(OK)
    case 'host.example':
      exchange.host = 'dns.example'
      exchange.bind_helo = 'other.example'
      return next()
    case 'wrong.example':
      Object.assign(exchange, { host: 'a b', port: 70000, priority: 'x', bind: 'here', bind_helo: 'a\\nb', tls: 'maybe', lmtp: 1, auth_user: 'joe' })
      return next()
    case 'strange.example':
      exchange.port = 25n
      exchange.host = exchange
      Object.defineProperty(exchange, 'tls', { get() { throw new Error('no tls') } })
      return setTimeout(next, 1)
    case 'throws.example':
      throw new Error('a mistake')
    case 'never.example':
      return
    case 'later.example':
      return setTimeout(() => next(DENY), 10)
    case 'held.example':
      return next(existsSync(FLAG) ? OK : DENY)
  }
  next()
}
`

let plain: Sink
let encrypted: Sink
let zone: ZoneServer
let haraka: HarakaServer

before(async () => {
  plain = await startSink()
  encrypted = await startSink({ tls: 'server', users: { fred: 'secret' } })
  zone = await startZone({
    'dns.example': [a('127.0.0.1')],
    'bad.dns.example': [a('127.0.0.1')],
    'port.example': [mx(10, 'dns.example')],
    'drop.example': [mx(10, 'bad.dns.example'), mx(20, 'dns.example')],
  })
  const { port } = plain
  haraka = await HarakaServer.start({
    outbound: ['temp_fail_intervals=5s*20', 'local_mx_ok=true'],
    plugins: { details: PLUGIN },
    files: { 'config/details.timeout': '1' },
    env: {
      PORT: String(encrypted.port),
      FLAG: 'released',
      NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem'),
    },
    overrides: `
dns_servers = ${zone.server.address}:${zone.server.port}
[overrides]
port.example    $direct $end
drop.example    $direct $end
host.example    192.0.2.1:${port} $end
later.example   127.0.0.1:${encrypted.port} $priority:1
later.example   127.0.0.1:${port} $end
told.example    fred:secret@127.0.0.1:${encrypted.port} $priority:7 $end
*               127.0.0.1:${port}
`,
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([plain?.close(), encrypted?.close()])
  await zone?.stop()
})

async function arrives(domain: string, sink: Sink): Promise<Sink['received'][number]> {
  const found = () => sink.received.find(({ rcptTo }) => rcptTo[0] === `a@${domain}`)
  await haraka.send({ to: `a@${domain}`, from: 'sender@client.example' })
  await haraka.waitFor(() => found() !== undefined, `a message to ${domain}`, [sink])
  return found()!
}

test('a plugin changes port and TLS of an exchange from DNS, and the certificate is checked for its name', async () => {
  const { secure, servername } = await arrives('port.example', encrypted)
  assert.deepEqual({ secure, servername }, { secure: true, servername: 'dns.example' })
})

test('a plugin drops one exchange, and the next is used', async () => {
  await arrives('drop.example', encrypted)
  assert.equal(
    haraka.lines(
      /domain=drop\.example .*exchanges="20:dns\.example:\d+\(dns\)"|domain=drop\.example .*exchanges=20:dns\.example/,
    ).length,
    1,
  )
})

test('a plugin replaces a host, and sets another EHLO name', async () => {
  assert.equal((await arrives('host.example', plain)).helo, 'other.example')
})

test('values that throw when read or printed do not stop the server', async () => {
  await arrives('strange.example', plain)
  await haraka.waitForLog(/server_details: 127\.0\.0\.1 is not changed: a plugin failed/)
})

test('invalid values are logged field by field, and ignored', async () => {
  await arrives('wrong.example', plain)
  for (const field of ['host', 'port', 'priority', 'bind', 'bind_helo', 'tls', 'lmtp', 'auth_user']) {
    assert.equal(
      haraka.lines(new RegExp(`server_details: ${field} of 127\\.0\\.0\\.1 is not changed`)).length,
      1,
      field,
    )
  }
})

test('a plugin that throws or never answers loses no message', async () => {
  await arrives('throws.example', plain)
  await arrives('never.example', plain)
})

test('a plugin may take some time', async () => {
  const mark = haraka.mark()
  await haraka.send({ to: 'a@later.example' })
  await haraka.waitForLog(
    /waiting .* not counted as an attempt: plugins of server_details have dropped every exchange/,
    mark,
  )
})

test('a plugin gets the exchange and the message, without the password', async () => {
  await arrives('told.example', encrypted)
  const [line] = haraka.lines(/seen .*told\.example/)
  const { exchange, envelope } = JSON.parse(line!.slice(line!.indexOf('{'))) as Record<
    string,
    Record<string, unknown>
  >
  assert.deepEqual(exchange, {
    host: '127.0.0.1',
    port: encrypted.port,
    priority: 7,
    auth_user: 'fred',
    tls: 'opportunistic',
    lmtp: false,
  })
  const { size, ...rest } = envelope!
  assert.deepEqual(rest, {
    sender: 'sender@client.example',
    authenticated_sender: '',
    domain: 'told.example',
    retries: 0,
  })
  assert.ok(typeof size === 'number' && size > 100)
})

test('a message whose exchanges are all dropped waits, uncounted and without an error, until one is kept', async () => {
  const sent = plain.received.length
  const mark = haraka.mark()
  await haraka.send({ to: 'a@held.example' })
  await haraka.waitForLog(/domain=held\.example .*action=wait/, mark)
  await haraka.flushUntil(
    () => haraka.lines(/domain=held\.example .*action=wait/, mark).length >= 3,
    'two more attempts',
  )
  assert.ok(haraka.lines(/domain=held\.example/, mark).every((line) => line.includes(' retries=0 ')))
  assert.equal(plain.received.length, sent, 'neither delivered nor bounced')
  assert.ok(haraka.queueFiles().every((name) => name.split('_')[2] === '0'))
  haraka.write('released', '')
  await haraka.flushUntil(() => plain.received.length === sent + 1, 'the message', [plain])
  assert.deepEqual(plain.received.at(-1)!.rcptTo, ['a@held.example'])
})
