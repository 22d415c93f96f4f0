import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { a, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// Haraka's own config/tls.ini, for relays that the operator wrote down by name.

let plain: Sink
let encrypted: Sink
let backup: Sink
let zone: ZoneServer
let haraka: HarakaServer

before(async () => {
  plain = await startSink()
  encrypted = await startSink({ tls: 'server' })
  backup = await startSink()
  zone = await startZone({ 'forced.example': [a('127.0.0.1')], 'dns.example': [a('127.0.0.1')] })
  haraka = await HarakaServer.start({
    files: {
      'config/tls.ini': '[outbound]\nforce_tls_hosts[]=forced.example\nno_tls_hosts[]=127.0.0.1\n',
    },
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
    overrides: `
dns_servers = ${zone.server.address}:${zone.server.port}
[relay:required]
host = dns.example
port = ${encrypted.port}
tls = required
[overrides]
one.example   forced.example:${plain.port} $priority:1
one.example   127.0.0.1:${backup.port} $priority:2
two.example   @required
three.example dns.example:${encrypted.port}
`,
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([plain, encrypted, backup].map((sink) => sink?.close()))
  await zone?.stop()
})

async function delivered(domain: string): Promise<readonly [Sink, boolean]> {
  const sinks = [plain, encrypted, backup]
  const found = () =>
    sinks.flatMap((sink) =>
      sink.received
        .filter(({ rcptTo }) => rcptTo[0] === `a@${domain}`)
        .map(({ secure }) => [sink, secure] as const),
    )
  await haraka.send({ to: `a@${domain}` })
  await haraka.waitFor(() => found().length > 0, `a message to ${domain}`, sinks)
  return found()[0]!
}

test('force_tls_hosts also applies to the name of a relay: nothing is sent in clear', async () => {
  assert.deepEqual(await delivered('one.example'), [backup, false])
  assert.equal(plain.received.length, 0)
  assert.equal(haraka.lines(/TLS is required, and STARTTLS is not offered/).length > 0, true)
})

test('no_tls_hosts does not disable TLS for a relay that requires it', async () => {
  assert.deepEqual(await delivered('two.example'), [encrypted, true])
})

test('no_tls_hosts applies where TLS is opportunistic', async () => {
  assert.deepEqual(await delivered('three.example'), [encrypted, false])
})
