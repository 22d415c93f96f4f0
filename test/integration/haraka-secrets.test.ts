import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// Passwords come from everywhere, go to relays by every mechanism, are wrong or right: Haraka logs all it can, and none of them
// may be seen. And what protects: local_mx_ok, and the name that TLS asks for.

const SECRETS = {
  inline: 'inline-Secret-1',
  plain: 'plain-Secret-2',
  env: 'env-Secret-3',
  file: 'file-Secret-4',
}
const CLIENT_SECRET = 'client-Secret-5'

let sinks: Record<keyof typeof SECRETS | 'wrong' | 'mx', Sink>
let zone: ZoneServer
let haraka: HarakaServer

before(async () => {
  const relay = (password: string, method: 'PLAIN' | 'LOGIN' | 'CRAM-MD5') =>
    startSink({ users: { fred: password }, tls: 'server', methods: [method] })
  sinks = {
    inline: await relay(SECRETS.inline, 'PLAIN'),
    plain: await relay(SECRETS.plain, 'LOGIN'),
    env: await relay(SECRETS.env, 'CRAM-MD5'),
    file: await relay(SECRETS.file, 'PLAIN'),
    wrong: await relay('another', 'LOGIN'),
    mx: await startSink({ tls: 'server' }),
  }
  zone = await startZone({
    'dns.example': [a('127.0.0.1')],
    'relay.example': [a('127.0.0.1')],
    'local.example': [mx(10, 'dns.example')],
    // 127.0.0.1, written as an address of IPv6.
    'mapped.example': [a('::ffff:7f00:1')],
  })
  const section = (name: keyof typeof SECRETS, secret: string, more = '') =>
    `[relay:${name}]\nhost = relay.example\nport = ${sinks[name].port}\nuser = fred\n${secret}\ntls = required\n${more}\n`
  haraka = await HarakaServer.start({
    // PROTOCOL is beyond DEBUG: every line of the SMTP conversations.
    loglevel: 'PROTOCOL',
    outbound: ['temp_fail_intervals=5s*10'],
    users: { joe: CLIENT_SECRET },
    files: { 'config/relay-password': `${SECRETS.file}\n`, 'config/tls.ini': '[outbound]\n' },
    env: {
      RELAY_PASSWORD: SECRETS.env,
      NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem'),
    },
    overrides: `
dns_servers = ${zone.server.address}:${zone.server.port}
${section('plain', `password = ${SECRETS.plain}`, 'auth_type = login')}
${section('env', 'password_env = RELAY_PASSWORD')}
${section('file', 'password_file = relay-password')}
[overrides]
inline.example  fred:${SECRETS.inline}@relay.example:${sinks.inline.port} $end
plain.example   @plain $end
env.example     @env $end
file.example    @file $end
wrong.example   fred:${SECRETS.inline}@relay.example:${sinks.wrong.port} $end
name.example    dns.example:${sinks.mx.port} $end
`,
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all(Object.values(sinks ?? {}).map((sink) => sink.close()))
  await zone?.stop()
})

test('each mechanism and source of a password logs in to its relay, over TLS', async () => {
  const names = Object.keys(SECRETS) as (keyof typeof SECRETS)[]
  for (const name of names) {
    await haraka.send({ to: `a@${name}.example`, auth: { user: 'joe', password: CLIENT_SECRET } })
  }
  const all = names.map((name) => sinks[name])
  await haraka.waitFor(() => all.every(({ received }) => received.length === 1), 'four messages', all)
  for (const { received } of all) {
    const { user, secure, servername } = received[0]!
    assert.deepEqual(
      { user, secure, servername },
      { user: 'fred', secure: true, servername: 'relay.example' },
    )
  }
})

test('a local exchange of the operator is used, one from DNS is not', async () => {
  await haraka.send({ to: 'a@name.example' })
  await haraka.waitFor(() => sinks.mx.received.length === 1, 'the message at the local relay', [sinks.mx])
  assert.equal(sinks.mx.received[0]!.servername, 'dns.example')

  const skipped = /MX 127\.0\.0\.1 is local, skipping since local_mx_ok=false/
  for (const domain of ['local.example', 'mapped.example']) {
    const mark = haraka.mark()
    await haraka.send({ to: `a@${domain}` })
    await haraka.waitForLog(/Temp failing .*Tried all MXs/, mark)
    assert.equal(haraka.lines(skipped, mark).length, 1, domain)
  }
  assert.equal(haraka.lines(skipped).length, 2, 'only those from DNS')

  for (const literal of ['[127.0.0.1]', '[IPv6:::ffff:127.0.0.1]']) {
    const mark = haraka.mark()
    await haraka.send({ to: `a@${literal}` })
    await haraka.waitForLog(/Temp failing .*Tried all MXs/, mark)
    const text = /\[dns-overrides\] 127\.0\.0\.1 is local, skipped since local_mx_ok=false/
    assert.equal(haraka.lines(text, mark).length, 1, literal)
  }
})

/** Everything in a folder, file by file. Haraka may rename a file meanwhile: then all are read again. */
function contents(folder: string): [string, string][] {
  for (let tries = 0; ; tries++) {
    try {
      return read(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 100) throw error
    }
  }
}

function read(folder: string): [string, string][] {
  return readdirSync(folder).flatMap((name): [string, string][] => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? read(path) : [[path, readFileSync(path, 'latin1')]]
  })
}

test('no password is in the log, the queue or the state folder, in any form', async () => {
  await haraka.send({ to: 'a@wrong.example', auth: { user: 'joe', password: CLIENT_SECRET } })
  await haraka.waitForLog(/\b535\b/)
  await haraka.waitFor(() => haraka.queueFiles().length === 5, 'what is put off')
  // What was seen proves that it would have been seen.
  assert.match(haraka.log, /C: AUTH PLAIN \*\*\*\*/)
  assert.match(haraka.log, /C: AUTH LOGIN/)
  assert.match(haraka.log, /MX from Plugin: inline\.example/)

  const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '')
  const forms = Object.values(SECRETS).flatMap((secret) => [
    secret,
    base64(secret),
    base64(`\0fred\0${secret}`),
  ])
  const places: [string, string][] = [
    ['log', haraka.log],
    ...contents(join(haraka.folder, 'queue')),
    ...contents(join(haraka.folder, 'dns_overrides_state')),
  ]
  assert.ok(places.length >= 7, 'log, five messages and the state')
  for (const [place, text] of places) {
    for (const form of forms) assert.equal(text.includes(form), false, `${form} in ${place}`)
  }
  // Haraka itself logs what a client says when it authenticates; the plugin must not carry it further.
  for (const [place, text] of places.slice(1)) assert.equal(text.includes(CLIENT_SECRET), false, place)
  const queued = contents(join(haraka.folder, 'queue')).find(([, text]) => text.includes('a@wrong.example'))
  assert.match(queued![1], /"auth_sender":\s*"joe"/)
})
