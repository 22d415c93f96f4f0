import assert from 'node:assert/strict'
import { test } from 'node:test'
import { a, mx, startZone } from '../support/dns-scripted'
import { type Script } from '../support/smtp-scripted'
import {
  startRelay,
  startHaraka,
  relaySection,
  recipients,
  counted,
  empty,
  flush,
  says,
  BOUNCE,
} from '../support/relay-haraka'

test('[attempts]: direct, then each relay, then a bounce; a failing relay does not count as an attempt', async (t) => {
  const dns = await startZone({ 'd.example': [mx(10, 'mx.d.example')], 'mx.d.example': [a('127.0.0.61')] })
  t.after(() => dns.stop())
  const heard: string[] = []
  const later =
    (name: string): Script =>
    (verb) => {
      if (verb !== 'RCPT') return undefined
      heard.push(name)
      return '451 4.3.0 later'
    }
  const first = await startRelay(t, { script: later('first') })
  const broken = await startRelay(t, { script: says('CONNECT', '554 out of order') })
  const third = await startRelay(t, { script: later('third') })
  const reports = await startRelay(t)
  const server = await startHaraka(
    t,
    `dns_servers = 127.0.0.1:${dns.port}
client.example 127.0.0.1:${reports.port}
[attempts]
* direct=1 relay=3
${relaySection('first', first.port)}${relaySection('broken', broken.port)}${relaySection('third', third.port)}`,
  )
  const made = (attempts: number) =>
    server.waitFor(() => counted(server).join() === String(attempts), `${attempts} attempts`)
  const next = async (attempts: number) => {
    await made(attempts)
    flush(server)
  }
  await server.send({ to: 'a@d.example' })
  await next(1)
  assert.equal(heard.length, 0, 'the first attempt was direct')
  // Between two attempts: one that is under way when Haraka is killed is made again.
  await made(2)
  await server.kill9()
  await server.restart()
  await next(2)
  await next(3)
  await next(4)
  await server.waitFor(() => reports.taken.length === 1, 'the report', [reports])
  assert.deepEqual(
    heard,
    ['first', 'third', 'third'],
    'relay 2 failed by its own fault, and relay 3 stood in for it',
  )
  assert.equal(broken.connections(), 1)
  assert.match(reports.taken[0]!.data, /a@d\.example/)
  await empty(server)
})

test('[attempts]: a relay without address is replaced by the next, without counting an attempt', async (t) => {
  const dns = await startZone({ 'd.example': [mx(10, 'mx.d.example')] })
  t.after(() => dns.stop())
  const good = await startRelay(t)
  const server = await startHaraka(
    t,
    `dns_servers = 127.0.0.1:${dns.port}
[attempts]
* direct=0 relay=1
[relay:gone]
host = gone.invalid
${relaySection('good', good.port)}`,
  )
  await server.send({ to: 'a@d.example' })
  await empty(server, good)
  assert.deepEqual(recipients(good), ['a@d.example'])
  assert.deepEqual(server.lines(BOUNCE), [])
  assert.deepEqual(server.lines(/Temp failing/), [])
  assert.match(server.lines(/action=wait/)[0]!, /source=attempts .*gone\.invalid/)
  await server.waitForLog(/relay gone is left out for 60 s: no address/)
})
