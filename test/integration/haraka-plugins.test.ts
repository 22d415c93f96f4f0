import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// Another plugin with the hook get_mx, listed after this one: rules come before it, plain DNS after it.

const OTHER = `
exports.hook_get_mx = (next, hmail, domain) => {
    if (!/^(other|ruled)\\.example$/.test(domain)) return next()
    next(OK, { exchange: '127.0.0.1', port: Number(process.env.OTHER_PORT) })
}
exports.hook_server_details = (next, delivery, { exchange }) => {
    if (exchange.host === 'mx.example') exchange.port = Number(process.env.MX_PORT)
    next()
}
`

let zone: ZoneServer
let haraka: HarakaServer
const sinks: Record<string, Sink> = {}

before(async () => {
  for (const name of ['rule', 'other', 'dns']) sinks[name] = await startSink()
  zone = await startZone({
    'other.example': [mx(10, 'mx.example')],
    'plain.example': [mx(10, 'mx.example')],
    'mx.example': [a('127.0.0.1')],
  })
  haraka = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}\nruled.example 127.0.0.1:${sinks.rule!.port}\n`,
    plugins: { other: OTHER },
    env: { OTHER_PORT: String(sinks.other!.port), MX_PORT: String(sinks.dns!.port) },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all(Object.values(sinks).map((sink) => sink.close()))
  await zone?.stop()
})

test('rules take precedence over another plugin, which takes precedence over plain DNS', async () => {
  await haraka.send({ to: ['a@ruled.example', 'b@other.example', 'c@plain.example'] })
  const all = () => Object.values(sinks).every(({ received }) => received.length > 0)
  await haraka.waitFor(all, 'three messages', Object.values(sinks))
  const recipients = Object.entries(sinks).map(([name, { received }]) => [
    name,
    received.flatMap((one) => one.rcptTo),
  ])
  assert.deepEqual(Object.fromEntries(recipients), {
    rule: ['a@ruled.example'],
    other: ['b@other.example'],
    dns: ['c@plain.example'],
  })
})
