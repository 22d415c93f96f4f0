import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startScripted } from '../support/smtp-scripted'

/** What `haraka --qunstick DOMAIN` says to the server (`bin/haraka` `send_internal_command`). */
async function unstick(port: number, domain: string): Promise<void> {
  const client = await SmtpClient.open(port)
  await client.command(`INTERNALCMD flushQueue ${domain}`, 250)
  await client.quit()
}

const DROPPED = /\[dns-overrides\] Haraka has read its queue file a second time/

test('haraka --qunstick: a message that is being sent, and one that waits for a place, arrive once', async (t) => {
  let takeMessages: () => void = () => {}
  const taking = new Promise<void>((resolve) => (takeMessages = resolve))
  const relay = await startScripted({ pause: (verb) => (verb === '.' ? taking : undefined) })
  t.after(() => relay.close())
  const haraka = await HarakaServer.start({
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
    overrides: `* @isp\n[relay:isp]\nhost = 127.0.0.1\nport = ${relay.port}\nmax_connections = 1\n`,
  })
  t.after(() => haraka.close())
  await haraka.send({ to: 'sent@d.example' })
  await haraka.waitFor(() => relay.lines.includes('DATA'), 'DATA')
  await haraka.send({ to: 'waits@d.example' })
  await haraka.waitForLog(/waiting .* not counted as an attempt/)

  for (const times of [1, 2, 3]) {
    await unstick(haraka.port, 'd.example')
    await haraka.waitFor(() => haraka.lines(DROPPED).length === 2 * times, `${2 * times} that are dropped`)
  }
  takeMessages()
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay])
  assert.deepEqual(
    relay.taken.map(({ rcptTo }) => rcptTo),
    [['sent@d.example'], ['waits@d.example']],
  )
  assert.equal(relay.connections(), 2)
})
