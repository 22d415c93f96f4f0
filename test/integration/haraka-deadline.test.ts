import assert from 'node:assert/strict'
import { test } from 'node:test'
import { a, fails, mx, startZone } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'

test("with silent name servers the plugin answers before Haraka's timeout, and other mail is delivered", async (t) => {
  const sink = await startSink()
  t.after(() => sink.close())
  const zone = await startZone({ 'silent.example': [fails('SILENT')], 'relay.example': [a('127.0.0.1')] })
  t.after(() => zone.stop())
  const haraka = await HarakaServer.start({
    // Seconds that Haraka gives the plugin for a hook.
    files: { 'config/dns-overrides.timeout': '3' },
    // Each is put off once.
    outbound: ['temp_fail_intervals=10m*20'],
    overrides: `
dns_servers = ${zone.server.address}:${zone.server.port}
[overrides]
silent.example $direct $end
* relay.example:${sink.port}
`,
  })
  t.after(() => haraka.close())
  for (let n = 0; n < 10; n++) await haraka.send({ to: `u${n}@silent.example` })
  await haraka.send({ to: 'a@example.com' })
  await haraka.waitFor(() => sink.received.length === 1, 'the message that needs nothing of them', [sink])
  const deferred = () => haraka.queueFiles().filter((name) => name.split('_')[2] === '1')
  await haraka.waitFor(() => deferred().length === 10, 'the others are put off')
  assert.equal(
    haraka.lines(/\[dns-overrides\] no decision for silent\.example: no answer within 2400 ms/).length,
    10,
  )
  assert.deepEqual(haraka.lines(/timed out on hook|ran callback multiple times|get_mx .*retval=CONT/), [])
})

for (const nodes of [0, 2]) {
  test(`a graceful shutdown is not delayed (nodes=${nodes})`, async (t) => {
    const sink = await startSink()
    t.after(() => sink.close())
    const zone = await startZone({ 'relay.example': [a('127.0.0.1')], 'x.example': [mx(1, 'relay.example')] })
    t.after(() => zone.stop())
    const haraka = await HarakaServer.start({
      nodes,
      files: {
        'config/smtp.ini': `listen=127.0.0.1:0\nnodes=${nodes}\ngraceful_shutdown=true\nforce_shutdown_timeout=25\n`,
      },
      overrides: `dns_servers = ${zone.server.address}:${zone.server.port}\n* relay.example:${sink.port}\n`,
    })
    t.after(() => haraka.close())
    await haraka.send({ to: 'a@example.com' })
    await haraka.waitFor(() => sink.received.length === 1 && haraka.queueFiles().length === 0, 'delivery', [
      sink,
    ])
    await haraka.stop()
    // Haraka itself would end a process that does not end by itself, after 25 and 30 seconds, and log it.
    assert.deepEqual(haraka.lines(/Failed to shutdown naturally|failed to shutdown|never received/), [])
  })
}
