import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Script, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'

// Direct delivery: what a first MX may do wrong, with a good second MX and with none.

/** Nobody listens; a greeting that has always one more line; one whose line has no end. */
type RawServer = 'closed' | 'endless' | 'endless line'

/** What becomes of the message. `clear`: the first MX takes it, in clear. */
type Outcome = 'second' | 'clear' | 'bounce' | 'defer'

interface Case {
  readonly what: string
  readonly server: ScriptedOptions | RawServer
  readonly outcome: Outcome
  /** In the log, where the first MX failed. */
  readonly reason?: RegExp
}

const says = (verb: string, text: string): { script: Script } => ({
  script: (said) => (said === verb ? text : undefined),
})
const TLS = { capabilities: ['STARTTLS'] }

const CODES_ALONE: Readonly<Record<string, string>> = {
  CONNECT: '220',
  EHLO: '250',
  MAIL: '250',
  RCPT: '250',
  DATA: '354',
  '.': '250',
}

const CASES: readonly Case[] = [
  // Connection-stage failures.
  { what: 'no connection', server: 'closed', outcome: 'second', reason: /no connection/ },
  {
    what: 'greeting 554',
    server: says('CONNECT', '554 5.7.1 no'),
    outcome: 'second',
    reason: /greeted with 554 5\.7\.1 no/,
  },
  {
    what: 'greeting 421',
    server: says('CONNECT', '421 busy'),
    outcome: 'second',
    reason: /greeted with 421 busy/,
  },
  {
    what: 'greeting 450',
    server: says('CONNECT', '450 later'),
    outcome: 'second',
    reason: /greeted with 450/,
  },
  {
    what: 'greeting of several lines ending in 554',
    server: says('CONNECT', '220-x\r\n554 no'),
    outcome: 'second',
    reason: /greeted with 554/,
  },
  {
    what: 'greeting of HTTP',
    server: says('CONNECT', 'HTTP/1.1 400 Bad Request'),
    outcome: 'second',
    reason: /its reply is not SMTP/,
  },
  {
    what: 'greeting of another code',
    server: says('CONNECT', '999 hello'),
    outcome: 'second',
    reason: /its reply is not SMTP/,
  },
  {
    what: 'greeting that never comes',
    server: says('CONNECT', 'silence'),
    outcome: 'second',
    reason: /timeout|no greeting within/,
  },
  { what: 'greeting without end', server: 'endless', outcome: 'second', reason: /no greeting within 2 s/ },
  {
    what: 'greeting whose line has no end',
    server: 'endless line',
    outcome: 'second',
    reason: /a line of its reply has more than 131072 bytes/,
  },
  {
    what: 'closes instead of greeting',
    server: says('CONNECT', 'close'),
    outcome: 'second',
    reason: /closed the connection|ECONNRESET/,
  },
  {
    what: 'EHLO and HELO refused',
    server: { script: (verb) => (/^[EH]/.test(verb) ? '502 no' : undefined) },
    outcome: 'second',
    reason: /refused HELO: 502 no/,
  },
  {
    what: 'EHLO 421',
    server: says('EHLO', '421 going'),
    outcome: 'second',
    reason: /refused EHLO: 421 going/,
  },
  {
    what: 'EHLO answered with noise',
    server: says('EHLO', 'what'),
    outcome: 'second',
    reason: /its reply is not SMTP: what/,
  },
  {
    what: 'closes after EHLO',
    server: says('EHLO', 'close'),
    outcome: 'second',
    reason: /closed the connection|ECONNRESET/,
  },
  {
    what: 'noise after STARTTLS',
    server: { ...TLS, ...says('STARTTLS', '220-x\r\n220 go\r\nnoise') },
    outcome: 'second',
    reason: /sent data in clear after STARTTLS/,
  },
  {
    what: 'MAIL 421',
    server: says('MAIL', '421 going'),
    outcome: 'second',
    reason: /it is closing: 421 going/,
  },
  {
    what: 'closes after MAIL',
    server: says('MAIL', 'close'),
    outcome: 'second',
    reason: /closed the connection|ECONNRESET/,
  },
  {
    what: 'closes after RCPT',
    server: says('RCPT', 'close'),
    outcome: 'second',
    reason: /closed the connection|ECONNRESET/,
  },
  {
    what: 'DATA 250',
    server: says('DATA', '250 fine'),
    outcome: 'second',
    reason: /answered DATA with 250 fine/,
  },
  {
    what: 'DATA 354 twice',
    server: says('DATA', '354 go\r\n354 go'),
    outcome: 'second',
    reason: /replied before the end of the message: 354 go/,
  },
  // Accepted, though not with 250.
  { what: 'RCPT 251', server: says('RCPT', '251 it is forwarded'), outcome: 'clear' },
  { what: 'RCPT 252', server: says('RCPT', '252 will try'), outcome: 'clear' },
  { what: 'replies without a text', server: { script: (verb) => CODES_ALONE[verb] }, outcome: 'clear' },
  // Opportunistic TLS.
  { what: 'STARTTLS 454', server: { ...TLS, ...says('STARTTLS', '454 no') }, outcome: 'clear' },
  { what: 'STARTTLS 502', server: { ...TLS, ...says('STARTTLS', '502 no') }, outcome: 'clear' },
  { what: 'handshake breaks', server: { ...TLS, breaksHandshake: true }, outcome: 'clear' },
  {
    what: 'closes right after TLS',
    server: { ...TLS, script: (_verb, _rest, { secure }) => (secure ? 'close' : undefined) },
    outcome: 'clear',
  },
  // The recipient's side: it stands.
  { what: 'MAIL 550', server: says('MAIL', '550 no'), outcome: 'bounce' },
  { what: 'MAIL 530', server: says('MAIL', '530 5.7.0 authentication required'), outcome: 'bounce' },
  { what: 'RCPT 550', server: says('RCPT', '550 5.1.1 no such user'), outcome: 'bounce' },
  { what: 'DATA 554', server: says('DATA', '554 no'), outcome: 'bounce' },
  { what: 'dot 550', server: says('.', '550 spam'), outcome: 'bounce' },
  { what: 'MAIL 451', server: says('MAIL', '451 later'), outcome: 'defer' },
  { what: 'RCPT 451', server: says('RCPT', '451 greylisted'), outcome: 'defer' },
  { what: 'RCPT 421', server: says('RCPT', '421 going'), outcome: 'defer' },
  { what: 'DATA 451', server: says('DATA', '451 later'), outcome: 'defer' },
  { what: 'dot 452', server: says('.', '452 full'), outcome: 'defer' },
]

/** MX records have no port: the hook `server_details` puts one in for each host. */
const PLUGIN = `
const ports = JSON.parse(process.env.PORTS)
exports.hook_server_details = (next, _message, { exchange }) => {
  exchange.port = ports[exchange.host] ?? exchange.port
  next()
}
`

let zone: ZoneServer
let haraka: HarakaServer
let second: Scripted
let reports: Scripted
const firsts: (Scripted | undefined)[] = []
const rawServers: { close(): unknown }[] = []

const LINE_WITHOUT_END = '220 '.padEnd(200_000, 'x')

/** Starts a server, or finds a port on which nobody listens. */
async function rawPort(kind: RawServer): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (kind === 'endless line') {
      socket.write(LINE_WITHOUT_END)
      return
    }
    const timer = setInterval(() => socket.write('220-and so on\r\n'), 20)
    socket.on('close', () => clearInterval(timer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  if (kind === 'closed') await new Promise((done) => server.close(done))
  else rawServers.push(server)
  return port
}

before(async () => {
  second = await startScripted()
  reports = await startScripted()
  const ports: Record<string, number> = { 'good.example': second.port }
  const records: Record<string, ReturnType<typeof a>[]> = { 'good.example': [a('127.0.0.1')] }
  for (const [i, { server }] of CASES.entries()) {
    const first = typeof server === 'string' ? undefined : await startScripted(server)
    firsts.push(first)
    ports[`first${i}.example`] = first?.port ?? (await rawPort(server as RawServer))
    records[`first${i}.example`] = [a('127.0.0.1')]
    records[`two${i}.example`] = [mx(10, `first${i}.example`), mx(20, 'good.example')]
    records[`one${i}.example`] = [mx(10, `first${i}.example`)]
  }
  zone = await startZone(records)
  haraka = await HarakaServer.start({
    overrides: `dns_servers = 127.0.0.1:${zone.port}\n[overrides]\nclient.example 127.0.0.1:${reports.port}\n`,
    outbound: ['temp_fail_intervals=1h*10', 'local_mx_ok=true', 'connect_timeout=2'],
    plugins: { ports: PLUGIN },
    env: { PORTS: JSON.stringify(ports) },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([second, reports, ...firsts].map((server) => server?.close()))
  for (const server of rawServers) server.close()
  await zone?.stop()
})

const DEFERRED = /Temp failing /

/** Sends one message, and waits until it is clear what became of it. */
async function outcomeOf(domain: string, first: Scripted | undefined): Promise<Outcome | 'encrypted'> {
  const recipient = `u@${domain}`
  const mark = haraka.mark()
  const bounces = reports.taken.length
  await haraka.send({ to: recipient, from: `s@client.example` })
  const taken = (server: Scripted | undefined) =>
    server?.taken.find(({ rcptTo }) => rcptTo.includes(recipient))
  const find = () => {
    const byFirst = taken(first)
    if (byFirst !== undefined) return byFirst.secure ? 'encrypted' : 'clear'
    if (taken(second) !== undefined) return 'second'
    if (reports.taken.length > bounces) return 'bounce'
    return haraka.lines(DEFERRED, mark).length > 0 ? 'defer' : undefined
  }
  const sources = [second, reports, ...(first === undefined ? [] : [first])]
  await haraka.waitFor(() => find() !== undefined, `the end of ${recipient}`, sources)
  return find()!
}

for (const [i, { what, outcome, reason }] of CASES.entries()) {
  test(`${what}, with a good second MX: ${outcome}`, async () => {
    const connections = second.connections()
    const mark = haraka.mark()
    assert.equal(await outcomeOf(`two${i}.example`, firsts[i]), outcome)
    assert.equal(second.connections() - connections, outcome === 'second' ? 1 : 0)
    if (outcome === 'second') {
      assert.deepEqual(haraka.lines(DEFERRED, mark), [], 'in the same attempt')
      assert.equal(haraka.lines(/bouncing mail/, mark).length, 0)
      assert.ok(
        haraka.lines(/Ongoing connection failed|Failed to get socket|closed connection/, mark).length > 0,
      )
    }
  })

  const alone = outcome === 'second' ? 'defer' : outcome
  test(`${what}, without another MX: ${alone}`, async () => {
    const mark = haraka.mark()
    assert.equal(await outcomeOf(`one${i}.example`, firsts[i]), alone)
    if (reason !== undefined) {
      const [line = ''] = haraka.lines(DEFERRED, mark)
      assert.match(line, /Tried all MXs: first\d+\.example:\d+: /)
      assert.match(line, reason)
    }
  })
}
