import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { a, fails, mx, nullMx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { needsIpv6 } from '../support/programs'
import { startSink, type Sink } from '../support/smtp-sink'
import type { Submission } from '../support/smtp-client'

// One real Haraka, one DNS zone, a few SMTP servers: every row of the language that can be seen in where mail arrives.

const PASSWORD = 'Pass:w0rd@1'

/** Real MX hosts listen on port 25; these servers do not. A documented use of the hook: another port for some hosts. */
const PORTS = `
const ports = JSON.parse(process.env.MX_PORTS)
exports.hook_server_details = (next, message, { exchange }) => {
  if (exchange.port === 25) exchange.port = ports[exchange.host] ?? 25
  next()
}
`

const noIpv6 = needsIpv6()

let sinks: Record<'relay' | 'other' | 'mx1' | 'mx2' | 'auth' | 'six' | 'rest' | 'home', Sink>
let zone: ZoneServer
let haraka: HarakaServer

/** A loopback port where nobody listens. */
async function closedPort(): Promise<number> {
  const sink = await startSink()
  await sink.close()
  return sink.port
}

before(async () => {
  sinks = {
    relay: await startSink(),
    other: await startSink(),
    mx1: await startSink(),
    mx2: await startSink(),
    auth: await startSink({ users: { fred: PASSWORD }, tls: 'server' }),
    six: await startSink({ host: noIpv6 === false ? '::1' : '127.0.0.1' }),
    rest: await startSink(),
    home: await startSink(),
  }
  zone = await startZone({
    'mx1.zone.example': [a('127.0.0.1')],
    'mx2.zone.example': [a('127.0.0.1')],
    'relay.zone.example': [a('127.0.0.1')],
    'internal.example': [mx(20, 'mx2.zone.example'), mx(10, 'mx1.zone.example')],
    'implicit.example': [a('127.0.0.1')],
    'adddns.example': [mx(10, 'mx1.zone.example')],
    'google.example': [mx(10, 'mx1.zone.example'), mx(20, 'aspmx.l.google.example')],
    'notgoogle.example': [mx(10, 'mx2.zone.example')],
    'all.example': [mx(10, 'mx1.zone.example'), mx(20, 'mx2.zone.example')],
    'nomx.example': [a('127.0.0.1')],
    'nullmx.example': [nullMx()],
    'empty.example': [],
    'servfail.example': [fails()],
  })
  const { relay, other, auth, six, rest, home } = sinks
  const sixAt = `${noIpv6 === false ? '[::1]' : six.host}:${six.port}`
  const closed = await closedPort()
  haraka = await HarakaServer.start({
    overrides: `
dns_servers = ${zone.server.address}:${zone.server.port}

[overrides]
home.example        127.0.0.1:${home.port} $end
exact.example       127.0.0.1:${relay.port} $end
*.wild.example      127.0.0.1:${relay.port} $end
wild.example        127.0.0.1:${other.port} $end
q?.mark.example     127.0.0.1:${relay.port} $end
bücher.example      127.0.0.1:${relay.port} $end
byname.example      relay.zone.example:${relay.port} $end
hosts.example       localhost:${relay.port} $end
six.example         ${sixAt} $end
auth.example        fred:${PASSWORD}@127.0.0.1:${auth.port} $end
size.example        127.0.0.1:${relay.port} $size>=2K $end
size.example        127.0.0.1:${other.port} $end
who.example         127.0.0.1:${relay.port} $authsender=FRED $end
who.example         127.0.0.1:${other.port} $authsender<>fred $end
from.example        127.0.0.1:${relay.port} $from=fred@client.example $end
from.example        127.0.0.1:${other.port} $from= $end
from.example        ${sixAt} $from~=joe*@*.example $end
from.example        127.0.0.1:${home.port} $from~=/^[0-9]+@/ $end
google.example      127.0.0.1:${relay.port} $dnsmx:*.google.example $end
notgoogle.example   127.0.0.1:${relay.port} $dnsmx:*.google.example $end
notgoogle.example   127.0.0.1:${other.port} $dnsmx:!*.google.example $end
nomx.example        127.0.0.1:${other.port} $dnsmx:!* $end
all.example         127.0.0.1:${relay.port} $dnsmxall:*.zone.example $end
and.example         127.0.0.1:${relay.port} $size<1K $from~=joe* $retries=0 $end
and.example         127.0.0.1:${other.port} $end
priority.example    127.0.0.1:${other.port} $priority:20
priority.example    127.0.0.1:${relay.port} $priority:10 $end
next.example        127.0.0.1:${closed} $priority:5
next.example        127.0.0.1:${relay.port} $end
adddns.example      127.0.0.1:${closed} $priority:5 $adddns $end
internal.example    $direct $end
implicit.example    $direct $end
[127.0.0.1]         $direct $end
nullmx.example      $direct $end
missing.example     $direct $end
empty.example       $direct $end
servfail.example    $direct $end
*                   127.0.0.1:${rest.port}
`,
    users: { fred: 'secret', joe: 'secret' },
    plugins: { ports: PORTS },
    env: {
      MX_PORTS: JSON.stringify({
        'mx1.zone.example': sinks.mx1.port,
        'mx2.zone.example': sinks.mx2.port,
        'implicit.example': sinks.other.port,
        '127.0.0.1': sinks.mx2.port,
      }),
    },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all(Object.values(sinks).map((sink) => sink.close()))
  await zone?.stop()
})

type SinkName = keyof typeof sinks

const fred = { user: 'fred', password: 'secret' }
const joe = { user: 'joe', password: 'secret' }
const large = 'x'.repeat(72).concat('\r\n').repeat(40)

/** What is sent, and where it must arrive. */
type Arrival = [string, Submission, SinkName]

const arrivals: Arrival[] = [
  ['exact domain', { to: 'a@exact.example' }, 'relay'],
  ['domain in capitals', { to: 'a@EXACT.Example' }, 'relay'],
  ['* in a pattern', { to: 'a@b.c.wild.example' }, 'relay'],
  ['* does not match the domain itself', { to: 'a@wild.example' }, 'other'],
  ['? in a pattern', { to: 'a@q1.mark.example' }, 'relay'],
  ['? is exactly one', { to: 'a@q12.mark.example' }, 'rest'],
  ['IDNA', { to: 'a@xn--bcher-kva.example' }, 'relay'],
  ['a host name of DNS', { to: 'a@byname.example' }, 'relay'],
  ['a host name of the hosts file', { to: 'a@hosts.example' }, 'relay'],
  ...(noIpv6 === false ? [['an IPv6 address', { to: 'a@six.example' }, 'six'] as Arrival] : []),
  ['user and password', { to: 'a@auth.example' }, 'auth'],
  ['$size>=2K holds', { to: 'a@size.example', body: large }, 'relay'],
  ['$size>=2K does not hold', { to: 'a@size.example' }, 'other'],
  ['$authsender= holds', { to: 'a@who.example', auth: fred }, 'relay'],
  ['$authsender<> holds', { to: 'a@who.example', auth: joe }, 'other'],
  ['$authsender<> holds without authentication', { to: 'a@who.example' }, 'other'],
  ['$from= holds', { to: 'a@from.example', from: 'Fred@Client.example' }, 'relay'],
  ['$from= of the null sender', { to: 'a@from.example', from: '' }, 'other'],
  ['$from~= wildcard', { to: 'a@from.example', from: 'joe.b@far.example' }, 'six'],
  ['$from~= regular expression', { to: 'a@from.example', from: '42@far.test' }, 'home'],
  ['no $from line holds', { to: 'a@from.example', from: 'x@far.test' }, 'rest'],
  ['$dnsmx: holds', { to: 'a@google.example' }, 'relay'],
  ['$dnsmx:! holds', { to: 'a@notgoogle.example' }, 'other'],
  ['$dnsmx:! holds without MX', { to: 'a@nomx.example' }, 'other'],
  ['$dnsmxall: holds', { to: 'a@all.example' }, 'relay'],
  ['all conditions of a line hold', { to: 'a@and.example', from: 'joe@x.test' }, 'relay'],
  ['one condition of a line does not hold', { to: 'a@and.example', from: 'fred@x.test' }, 'other'],
  ['the lowest $priority first', { to: 'a@priority.example' }, 'relay'],
  ['the next exchange when one refuses connections', { to: 'a@next.example' }, 'relay'],
  ['$adddns joins the MX of the domain', { to: 'a@adddns.example' }, 'mx1'],
  ['$direct $end: the MX, by its own priority', { to: 'a@internal.example' }, 'mx1'],
  ['$direct: implicit MX', { to: 'a@implicit.example' }, 'other'],
  ['$direct: a domain literal', { to: 'a@[127.0.0.1]' }, 'mx2'],
  ['* for all the others', { to: 'a@whatever.test' }, 'rest'],
]

/** Every message that arrived anywhere, as `sink: subject`. */
function arrived(): string[] {
  return Object.entries(sinks).flatMap(([name, sink]) =>
    sink.received.map(({ data }) => `${name}: ${/^Subject: (.*?)\r?$/m.exec(data)?.[1]}`),
  )
}

test('every message arrives where the rules say, and nowhere else', async () => {
  for (const [subject, message] of arrivals) await haraka.send({ subject, ...message })
  const wanted = arrivals.map(([subject, , sink]) => `${sink}: ${subject}`)
  await haraka.waitFor(() => arrived().length >= wanted.length, 'all messages', Object.values(sinks))
  assert.deepEqual(arrived().toSorted(), wanted.toSorted())
})

test('the password is sent to its relay, encrypted', () => {
  const [received] = sinks.auth.received
  assert.equal(received?.user, 'fred')
  assert.equal(received?.secure, true)
})

test('each DNS query is made once, by the plugin and not by Haraka', () => {
  const questions = new Set(zone.asked)
  assert.deepEqual(zone.asked.toSorted(), [...questions].toSorted(), 'each question once')
  assert.ok(
    !zone.asked.some((question) => / (exact|auth|size)\.example$/.test(question)),
    zone.asked.join('\n'),
  )
})

test('each decision is one line in the log with all that it depends on', () => {
  const line = (domain: string) => haraka.lines(new RegExp(`\\[dns-overrides\\] decided domain=${domain} `))
  assert.equal(line('priority\\.example').length, 1)
  const [priority] = line('priority\\.example')
  assert.match(
    priority!,
    /^\S+ \[INFO\] \[[0-9A-F-]+\.\d+\S*\] \[dns-overrides\] decided domain=priority\.example sender=\S+@\S+ recipients=1 recipient=\S+@priority\.example size=\d+ retries=0 action=try source=overrides lines=\d+,\d+ exchanges="10:127\.0\.0\.1:\d+\(line \d+\),20:127\.0\.0\.1:\d+\(line \d+\)" mx="not asked" addresses=/,
  )
  assert.match(
    line('internal\\.example')[0]!,
    / mx="mx fresh@127\.0\.0\.1[#:]\d+\/300s" addresses="mx1\.zone\.example 127\.0\.0\.1 /,
  )
})

const bounces: [string, string, RegExp][] = [
  ['a null MX', 'nullmx.example', /Domain nullmx\.example sends and receives no email \(NULL MX\)/],
  ['a domain that does not exist', 'missing.example', /missing\.example does not exist/],
  ['a domain with neither MX nor address', 'empty.example', /empty\.example has neither MX nor address/],
]
test('a message that can never be delivered bounces with the reason', async () => {
  const earlier = sinks.home.received.length
  for (const [subject, domain] of bounces) {
    await haraka.send({ subject, to: `a@${domain}`, from: 'sender@home.example' })
  }
  const reports = () => sinks.home.received.slice(earlier)
  await haraka.waitFor(() => reports().length >= bounces.length, 'reports', [sinks.home])
  for (const [subject, domain, reason] of bounces) {
    const report = reports().find(({ data }) => data.includes(`a@${domain}`))
    assert.ok(report, subject)
    assert.equal(report.mailFrom, '')
    assert.match(report.data, reason)
    assert.match(report.data, /^Action: failed\r$/m)
  }
})

test('a message whose lookup fails is deferred, and the queue holds nothing else', async () => {
  await haraka.send({ to: 'a@servfail.example' })
  const waiting = () => haraka.queueFiles().filter((name) => name.split('_')[2] === '1')
  await haraka.waitFor(
    () => waiting().length === 1 && haraka.queueFiles().length === 1,
    'one deferred message',
  )
  // The file may be seen before the line that Haraka has logged of it.
  await haraka.waitForLog(/Temp failing .*the MX lookup of servfail\.example failed/)
  assert.equal(
    haraka.lines(/domain=servfail\.example .*action=defer source=overrides .*reason="the MX lookup/).length,
    1,
  )
  assert.equal(haraka.lines(/Temp failing .*the MX lookup of servfail\.example failed/).length, 1)
})

test('no error is logged', () => {
  const bad = haraka
    .lines(/\[(CRIT|ERROR)\]/)
    .filter((line) => !/tls (key|cert) .* could not be loaded/.test(line))
  assert.deepEqual(bad, [])
  assert.equal(haraka.log.includes(PASSWORD), false)
})
