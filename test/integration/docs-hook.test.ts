import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { readPage } from '../docs/document'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// The plugin that docs/reference.md shows for the hook `server_details`, in a real Haraka.

const { text } = readPage('docs/reference.md').blocks.find(({ language }) => language === 'js')!

let sink: Sink
let busy: Sink
let zone: ZoneServer
let haraka: HarakaServer

before(async () => {
  sink = await startSink({ tls: 'server' })
  busy = await startSink({ answer: (stage) => (stage === 'rcpt' ? { code: 451, text: 'later' } : undefined) })
  zone = await startZone({ 'example.com': [mx(10, 'dns.example')], 'dns.example': [a('127.0.0.1')] })
  haraka = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}\nbusy.example 127.0.0.1:${busy.port} $end\n`,
    plugins: { 'my-servers': text.replace('2525', String(sink.port)) },
    outbound: ['temp_fail_intervals=5s*20', 'local_mx_ok=true'],
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
  })
})

after(async () => {
  await haraka?.close()
  await sink?.close()
  await busy?.close()
  await zone?.stop()
})

test('the example plugin changes port and TLS of an exchange', async () => {
  await haraka.send({ to: 'a@example.com' })
  const failed = () => haraka.lines(/Temp failing/).length > 0
  await haraka.waitFor(() => sink.received.length > 0 || failed(), 'the message', [sink])
  assert.equal(sink.received[0]?.secure, true, haraka.log)
})

test('the example plugin drops a host that has deferred ten times', async () => {
  await haraka.send({ to: 'a@busy.example' })
  const dropped = () => haraka.lines(/plugins of server_details have dropped every exchange/).length > 0
  await haraka.flushUntil(dropped, 'the host dropped')
  assert.equal(busy.connections(), 10)
})
