import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'

// The password of a relay in a file of its own: changed together at the relay and in the file, it holds from the next reload on.

test('a reload reads a secret file again, and neither password is logged', async (t) => {
  const users = { fred: 'old-pa55word' }
  const relay = await startSink({ users, tls: 'server' })
  t.after(() => relay.close())
  const overrides = `
[overrides]
* @isp

[relay:isp]
host = 127.0.0.1
port = ${relay.port}
user = fred
password_file = isp.secret
`
  const haraka = await HarakaServer.start({
    overrides,
    loglevel: 'PROTOCOL',
    files: { 'config/isp.secret': 'old-pa55word\n' },
  })
  t.after(() => haraka.close())
  chmodSync(join(haraka.folder, 'config/isp.secret'), 0o600)

  await haraka.send({ to: 'first@example.com' })
  await haraka.waitFor(() => relay.received.length === 1, 'the first message', [relay])

  users.fred = 'new-pa55word'
  haraka.write('config/isp.secret', 'new-pa55word\n')
  const mark = haraka.mark()
  haraka.write('config/dns_overrides.ini', `${overrides}; the password is another one now\n`)
  await haraka.waitForLog(/dns_overrides\.ini is read again and in force/, mark)

  await haraka.send({ to: 'second@example.com' })
  await haraka.waitFor(() => relay.received.length === 2, 'the second message', [relay])
  assert.deepEqual(
    relay.received.map(({ rcptTo, user, secure }) => [rcptTo.join(), user, secure]),
    [
      ['first@example.com', 'fred', true],
      ['second@example.com', 'fred', true],
    ],
  )
  for (const password of ['old-pa55word', 'new-pa55word']) {
    for (const form of [password, `\0fred\0${password}`]) {
      assert.ok(!haraka.log.includes(form), 'in clear')
      assert.ok(!haraka.log.includes(Buffer.from(form).toString('base64')), 'as AUTH has it')
    }
  }
})
