import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { a, startZone } from '../support/dns-scripted'
import { startRelay, startHaraka, closedPort, recipients, empty } from '../support/relay-haraka'

test('without a connection the next route is used at once', async (t) => {
  const backup = await startRelay(t)
  const server = await startHaraka(
    t,
    `* 127.0.0.1:${await closedPort()} $priority:1\n* 127.0.0.1:${backup.port} $priority:2`,
  )
  await server.send({ to: 'a@d.example' })
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example'])
  assert.equal(server.lines(/127\.0\.0\.1:\d+ is left out for 60 s: no connection/).length, 1)
})

for (const [what, greets, message] of [
  ['greets', '220-', /is left out for 60 s: no greeting within 0\.2 s/],
  ['answers EHLO', '220 hello\r\n250-', /is left out for 60 s: no reply within 4 s/],
] as const) {
  test(`a relay that ${what} one character at a time is given up, and the next route is used`, async (t) => {
    const slow = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(greets)
      const timer = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    await new Promise<void>((done) => slow.listen(0, '127.0.0.1', done))
    t.after(() => slow.close())
    const backup = await startRelay(t)
    const server = await startHaraka(
      t,
      `* 127.0.0.1:${(slow.address() as AddressInfo).port} $priority:1\n* 127.0.0.1:${backup.port} $priority:2`,
      { outbound: ['temp_fail_intervals=5s*20', 'connect_timeout=0.2'] },
    )
    await server.send({ to: 'a@d.example' })
    await empty(server, backup)
    assert.deepEqual(recipients(backup), ['a@d.example'])
    await server.waitForLog(message)
  })
}

test('a relay of which one address is down is used at its other address, and is not left out', async (t) => {
  const dns = await startZone({ 'relay.example': [a('127.0.0.62'), a('127.0.0.1')] })
  t.after(() => dns.stop())
  const main = await startRelay(t)
  const server = await startHaraka(
    t,
    `dns_servers = 127.0.0.1:${dns.port}\n* @main\n[relay:main]\nhost = relay.example\nport = ${main.port}\n`,
  )
  const all = Array.from({ length: 12 }, (_, i) => `u${String(i).padStart(2, '0')}@d.example`)
  for (const to of all) await server.send({ to })
  await empty(server, main)
  assert.deepEqual(recipients(main), all)
  assert.ok(server.lines(/Failed to get socket/).length > 0, 'addresses come in random order')
  assert.deepEqual(server.lines(/left out|Temp fail/), [])
})

test('smtps:// delivers to a server with TLS from the first byte', async (t) => {
  const taken: { user: string; servername: string }[] = []
  const smtps = new SMTPServer({
    secure: true,
    key: readFileSync('test/fixtures/tls/server.key'),
    cert: readFileSync('test/fixtures/tls/server.pem'),
    authMethods: ['PLAIN', 'LOGIN'],
    logger: false,
    onAuth: ({ username = '', password }, _session, done) =>
      password === 'sesame' ? done(null, { user: username }) : done(new Error('no')),
    onData: (stream, session, done) => {
      stream.resume().on('end', () => {
        taken.push({ user: String(session.user), servername: String(session.servername) })
        done()
      })
    },
  })
  smtps.on('error', () => {})
  await new Promise<void>((done) => smtps.listen(0, '127.0.0.1', () => done()))
  t.after(() => new Promise<void>((done) => smtps.close(() => done())))
  const { port } = smtps.server.address() as AddressInfo
  const server = await startHaraka(
    t,
    `* @s\n[relay:s]\nhost = smtps://localhost:${port}\nuser = fred\npassword = sesame\n`,
    { env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') } },
  )
  await server.send({ to: 'a@d.example' })
  await empty(server)
  assert.deepEqual(taken, [{ user: 'fred', servername: 'localhost' }])
  assert.equal(server.lines(/delivered file.* tls=Y auth=Y/).length, 1)
})
