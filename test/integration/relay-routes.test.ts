import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { run } from '../commands/terminal'
import { a, mx, startZone } from '../support/dns-scripted'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startScripted, type Script, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'

/** Servers and a Haraka that end with the test. */
async function relay(t: TestContext, options: ScriptedOptions = {}): Promise<Scripted> {
  const server = await startScripted(options)
  t.after(() => server.close())
  return server
}

async function haraka(
  t: TestContext,
  overrides: string,
  more: Partial<HarakaOptions> = {},
): Promise<HarakaServer> {
  const server = await HarakaServer.start({ overrides, outbound: ['temp_fail_intervals=5s*20'], ...more })
  t.after(() => server.close())
  return server
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

const section = (name: string, port: number, ...lines: string[]) =>
  [`[relay:${name}]`, 'host = 127.0.0.1', `port = ${port}`, ...lines, ''].join('\n')

const recipients = (...servers: readonly Scripted[]) =>
  servers.flatMap(({ taken }) => taken.flatMap(({ rcptTo }) => rcptTo)).sort()

/** Attempts that Haraka has counted, by the name of the queue file. */
const counted = (server: HarakaServer) => server.queueFiles().map((name) => Number(name.split('_')[2]))

const empty = (server: HarakaServer, ...sources: readonly Scripted[]) =>
  server.waitFor(() => server.queueFiles().length === 0, 'an empty queue', sources)

/** Makes Haraka try all deferred messages now (`haraka.js`, SIGHUP). */
const flush = (server: HarakaServer) => process.kill(server.pid, 'SIGHUP')

const says =
  (verb: string, text: string): Script =>
  (said) =>
    said === verb ? text : undefined

const BOUNCE = /bouncing mail/

test('breaker: the next route is used at once, the relay is left out, tried once after retry_after, and used again', async (t) => {
  const main = await relay(t, { script: says('CONNECT', '554 no') })
  const backup = await relay(t)
  const server = await haraka(
    t,
    `* @main $priority:1\n* @backup $priority:2\n${section('main', main.port, 'retry_after = 3s')}${section('backup', backup.port)}`,
  )
  await server.send({ to: 'a@d.example' })
  await empty(server, backup)
  assert.equal(main.connections(), 1)
  const opened = Date.now()
  for (const to of ['b@d.example', 'c@d.example']) await server.send({ to })
  await empty(server, backup)
  assert.ok(Date.now() - opened < 3_000, 'the machine is too slow for this test')
  assert.equal(main.connections(), 1, 'left out')
  assert.deepEqual(recipients(backup), ['a@d.example', 'b@d.example', 'c@d.example'])

  main.script(undefined)
  while (main.taken.length === 0) {
    assert.ok(Date.now() - opened < 20_000)
    await server.send({ to: 'd@d.example' })
    await empty(server, main, backup)
  }
  assert.ok(Date.now() - opened >= 2_500, 'not before its time')
  assert.equal(main.connections(), 2)
  await server.waitForLog(/relay main works again/)
  await server.send({ to: 'e@d.example' })
  await empty(server, main)
  assert.equal(main.taken.length, 2)
  assert.deepEqual(server.lines(BOUNCE), [])
  assert.deepEqual(server.lines(/Temp fail/), [])
})

test('last resort: an open breaker alone never delays mail, and Haraka counts the attempt', async (t) => {
  const only = await relay(t, { script: says('CONNECT', '421 not now') })
  const server = await haraka(t, `* @only\n${section('only', only.port, 'retry_after = 1h')}`)
  await server.send({ to: 'a@d.example' })
  await server.waitForLog(/Temp failing .* for 5 seconds: Tried all MXs/)
  await server.waitFor(() => counted(server).join() === '1', 'one attempt counted')
  only.script(undefined)
  flush(server)
  await server.send({ to: 'b@d.example' })
  await empty(server, only)
  assert.deepEqual(recipients(only), ['a@d.example', 'b@d.example'])
  assert.equal(server.lines(/every exchange is left out, relay only is tried as a last resort/).length, 1)
  assert.deepEqual(server.lines(BOUNCE), [])
})

test('without a connection the next route is used at once', async (t) => {
  const backup = await relay(t)
  const server = await haraka(
    t,
    `* 127.0.0.1:${await closedPort()} $priority:1\n* 127.0.0.1:${backup.port} $priority:2`,
  )
  await server.send({ to: 'a@d.example' })
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example'])
  assert.equal(server.lines(/127\.0\.0\.1:\d+ is left out for 60 s: no connection/).length, 1)
})

test('replies about the recipient do not open the breaker: 550 at RCPT bounces, 451 is counted and deferred', async (t) => {
  const tries = new Map<string, number>()
  const main = await relay(t, {
    script: (verb, rest) => {
      if (verb !== 'RCPT') return undefined
      const times = (tries.get(rest) ?? 0) + 1
      tries.set(rest, times)
      if (rest.includes('unknown@')) return '550 5.1.1 no such user'
      return rest.includes('later@') && times === 1 ? '451 4.2.1 later' : undefined
    },
  })
  const backup = await relay(t)
  const server = await haraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nclient.example @backup\n${section('main', main.port)}${section('backup', backup.port)}`,
  )
  await server.send({ to: ['unknown@d.example', 'later@d.example', 'fine@d.example'] })
  await server.waitFor(
    () => recipients(main).length === 1 && counted(server).join() === '1',
    'one taken, one deferred',
    [main],
  )
  flush(server)
  await empty(server, main, backup)
  assert.deepEqual(recipients(main), ['fine@d.example', 'later@d.example'])
  assert.deepEqual(
    recipients(backup),
    ['sender@client.example'],
    'one report, and nothing else by the second route',
  )
  // Haraka 3.3.4 loses the answer of the server in the report when it splits a message.
  assert.match(backup.taken[0]!.data, /Final-Recipient: rfc822;unknown@d\.example/)
  assert.deepEqual(server.lines(/is left out/), [])
})

test('hold and resume by command work at once in every worker and over a restart, uncounted', async (t) => {
  const main = await relay(t)
  const backup = await relay(t)
  const server = await haraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nonly.example @main\n${section('main', main.port)}${section('backup', backup.port)}`,
    { nodes: 2 },
  )
  const relays = (...words: string[]) =>
    run(['relays', ...words], { env: { HARAKA: server.folder }, now: Date.now })
  const { workers } = JSON.parse((await relays('--json')).out) as { workers: number[] }
  assert.equal(workers.length, 2)

  assert.equal((await relays('--hold', 'main')).status, 0)
  await server.waitFor(() => server.lines(/relays held by hand: main/).length === 2, 'both workers know')
  for (const to of ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example']) await server.send({ to })
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example'])
  assert.equal(main.connections(), 0)

  await server.kill9()
  await server.restart()
  await server.send({ to: 'e@only.example' })
  await server.waitForLog(/waiting 5 s, not counted as an attempt: relay main is held by hand/)
  assert.deepEqual(counted(server), [0])
  // By themselves: Haraka's own queue would look at them after five seconds.
  const resumed = performance.now()
  assert.equal((await relays('--resume', 'main')).status, 0)
  await empty(server, main)
  assert.ok(performance.now() - resumed < 20_000)
  assert.deepEqual(recipients(main), ['e@only.example'])
  assert.deepEqual(server.lines(BOUNCE), [])
})

test('a message that waits for a held relay is routed again when an edit removes the relay from its line', async (t) => {
  const main = await relay(t)
  const backup = await relay(t)
  const sections = `${section('main', main.port)}${section('backup', backup.port)}`
  const server = await haraka(t, `* @main\n${sections}`, { outbound: ['temp_fail_intervals=10m*20'] })
  const hold = ['relays', '--hold', 'main']
  assert.equal((await run(hold, { env: { HARAKA: server.folder }, now: Date.now })).status, 0)
  for (const to of ['a@d.example', 'b@d.example']) await server.send({ to })
  await server.waitFor(
    () => server.lines(/waiting 300 s, not counted as an attempt: relay main is held by hand/).length === 2,
    'both wait',
  )
  server.write('config/dns_overrides.ini', `* @backup\n${sections}`)
  await empty(server, backup)
  assert.deepEqual(recipients(backup), ['a@d.example', 'b@d.example'])
  assert.equal(main.connections(), 0)
})

test('max_connections is kept over all workers, and more messages use the next route', async (t) => {
  const pauses: (() => void)[] = []
  const main = await relay(t, {
    pause: (verb) => (verb === '.' ? new Promise((go) => pauses.push(go)) : undefined),
  })
  const backup = await relay(t)
  const server = await haraka(
    t,
    `* @main $priority:1\n* @backup $priority:2\n${section('main', main.port, 'max_connections = 2')}${section('backup', backup.port)}`,
  )
  const all = Array.from({ length: 6 }, (_, i) => `u${i}@d.example`)
  for (const to of all) await server.send({ to })
  await server.waitFor(() => pauses.length === 2 && backup.taken.length === 4, 'two here, four there', [
    main,
    backup,
  ])
  for (const go of pauses) go()
  await empty(server, main, backup)
  assert.equal(main.most(), 2)
  assert.deepEqual(recipients(main, backup), all)
})

test('max_connections without another route: the messages wait for a connection and are all delivered', async (t) => {
  const main = await relay(t)
  const server = await haraka(t, `* @main\n${section('main', main.port, 'max_connections = 2')}`, {
    nodes: 2,
  })
  const all = Array.from({ length: 40 }, (_, i) => `u${String(i).padStart(2, '0')}@d.example`)
  await Promise.all(all.map((to) => server.send({ to })))
  await empty(server, main)
  assert.ok(main.most() <= 2, `${main.most()} at once`)
  assert.deepEqual(recipients(main), all)
  assert.deepEqual(server.lines(/Temp fail/), [])
})

test('max_per_hour is kept over a crash, and more messages use the next route or wait', async (t) => {
  const main = await relay(t)
  const backup = await relay(t)
  const server = await haraka(
    t,
    `d.example @main $priority:1\nd.example @backup $priority:2\nonly.example @main\n${section('main', main.port, 'max_per_hour = 3')}${section('backup', backup.port)}`,
  )
  const all = Array.from({ length: 5 }, (_, i) => `u${i}@d.example`)
  for (const to of all) {
    await server.send({ to })
    await empty(server, main, backup)
  }
  assert.deepEqual(recipients(main), all.slice(0, 3))
  assert.deepEqual(recipients(backup), all.slice(3))
  await server.send({ to: 'waits@only.example' })
  await server.waitForLog(/not counted as an attempt: relay main has reached its max_per_hour of 3/)
  let status = ''
  const patience = Date.now() + 10_000
  while (!status.includes('sent in the last hour 3 of 3')) {
    assert.ok(Date.now() < patience, status)
    status = (await run(['relays'], { env: { HARAKA: server.folder }, now: Date.now })).out
    await new Promise((done) => setImmediate(done))
  }
  await server.kill9()
  const mark = server.mark()
  await server.restart()
  await server.waitForLog(/not counted as an attempt: relay main has reached its max_per_hour of 3/, mark)
  assert.deepEqual(counted(server), [0])
  assert.equal(main.taken.length, 3)
})

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
  const first = await relay(t, { script: later('first') })
  const broken = await relay(t, { script: says('CONNECT', '554 out of order') })
  const third = await relay(t, { script: later('third') })
  const reports = await relay(t)
  const server = await haraka(
    t,
    `dns_servers = 127.0.0.1:${dns.port}
client.example 127.0.0.1:${reports.port}
[attempts]
* direct=1 relay=3
${section('first', first.port)}${section('broken', broken.port)}${section('third', third.port)}`,
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
  const good = await relay(t)
  const server = await haraka(
    t,
    `dns_servers = 127.0.0.1:${dns.port}
[attempts]
* direct=0 relay=1
[relay:gone]
host = gone.invalid
${section('good', good.port)}`,
  )
  await server.send({ to: 'a@d.example' })
  await empty(server, good)
  assert.deepEqual(recipients(good), ['a@d.example'])
  assert.deepEqual(server.lines(BOUNCE), [])
  assert.deepEqual(server.lines(/Temp failing/), [])
  assert.match(server.lines(/action=wait/)[0]!, /source=attempts .*gone\.invalid/)
  await server.waitForLog(/relay gone is left out for 60 s: no address/)
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
    const backup = await relay(t)
    const server = await haraka(
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
  const main = await relay(t)
  const server = await haraka(
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
  const server = await haraka(
    t,
    `* @s\n[relay:s]\nhost = smtps://localhost:${port}\nuser = fred\npassword = sesame\n`,
    { env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') } },
  )
  await server.send({ to: 'a@d.example' })
  await empty(server)
  assert.deepEqual(taken, [{ user: 'fred', servername: 'localhost' }])
  assert.equal(server.lines(/delivered file.* tls=Y auth=Y/).length, 1)
})
