import assert from 'node:assert/strict'
import { test } from 'node:test'
import { a, fails, mx, startZone } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'

const PORT = `
exports.hook_server_details = (next, delivery, { exchange }) => {
  exchange.port = Number(process.env.MX_PORT)
  next()
}
`

test('a failed lookup does not use up the only attempt of [attempts]', async (t) => {
  const recipient = await startSink()
  t.after(() => recipient.close())
  const zone = await startZone({ 'late.example': [fails()], 'mx.late.example': [a('127.0.0.1')] })
  t.after(() => zone.stop())
  const haraka = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}\n[attempts]\n* direct=1 relay=0\n`,
    plugins: { port: PORT },
    env: { MX_PORT: String(recipient.port) },
  })
  t.after(() => haraka.close())

  await haraka.send({ to: 'a@late.example' })
  await haraka.waitForLog(/domain=late\.example .* retries=0 action=wait source=attempts/)
  await haraka.waitForLog(/not counted as an attempt/)
  assert.match(haraka.queueFiles().join(), /^\d+_\d+_0_/, 'no attempt is counted')

  zone.set('late.example', [mx(10, 'mx.late.example')])
  await haraka.flushUntil(() => recipient.received.length > 0, 'the message', [recipient])
  assert.deepEqual(
    recipient.received.map(({ mailFrom, rcptTo }) => [mailFrom, rcptTo.join()]),
    [['sender@client.example', 'a@late.example']],
  )
  assert.deepEqual(haraka.lines(/bouncing mail/), [])
})
