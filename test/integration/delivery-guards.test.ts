import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { a, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted } from '../support/smtp-scripted'

// Mail that would come back to this server, addresses that bind cannot reach, and a relay that repeats the password late.

const PASSWORD = 'sesame-7c2e'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const FORMS = [PASSWORD, base64(PASSWORD), base64(`\0fred\0${PASSWORD}`)]

let echo: Scripted
let good: Scripted
let haraka: HarakaServer
let own: number
let zone: ZoneServer

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

before(async () => {
  good = await startScripted()
  echo = await startScripted({
    capabilities: ({ secure }) => (secure ? ['AUTH PLAIN'] : ['STARTTLS']),
    script: (verb) =>
      verb === 'RCPT' ? `550-5.1.1 I know ${FORMS[0]}\r\n550 5.1.1 and ${FORMS[1]} ${FORMS[2]}` : undefined,
  })
  own = await freePort()
  zone = await startZone({
    'me.zone.example': [a('127.0.0.1')],
    'v4.zone.example': [a('127.0.0.1')],
  })
  haraka = await HarakaServer.start({
    overrides: `
dns_servers = 127.0.0.1:${zone.port}
[overrides]
own.example    me.zone.example:${own}
both.example   me.zone.example:${own} $priority:1
both.example   127.0.0.1:${good.port} $priority:2
family.example @v6only
echo.example   @echo
client.example 127.0.0.1:${good.port}
[relay:v6only]
host = v4.zone.example
port = ${good.port}
bind = ::1
[relay:echo]
host = 127.0.0.1
port = ${echo.port}
user = fred
password = ${PASSWORD}
`,
    files: { 'config/smtp.ini': `listen=127.0.0.1:${own}\nnodes=0\n` },
    outbound: ['temp_fail_intervals=1h*10', 'local_mx_ok=true'],
    loglevel: 'PROTOCOL',
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([zone?.stop(), ...[echo, good].map((server) => server?.close())])
})

test('a target that resolves to this server itself is an error in the log, and the message is deferred', async () => {
  await haraka.send({ to: 'a@own.example' })
  const reason = `127\\.0\\.0\\.1:${own} is this server itself`
  await haraka.waitForLog(new RegExp(`\\[ERROR\\].* is passed over: ${reason}`))
  await haraka.waitForLog(new RegExp(`Temp failing .*Tried all MXs: me\\.zone\\.example:${own}: ${reason}`))
  assert.deepEqual(haraka.lines(/bouncing mail/), [])
  assert.equal(haraka.queueFiles().length, 1)
})

test('a target that is this server itself stops Haraka at the start', async () => {
  const port = await freePort()
  const { code, log } = await HarakaServer.startAndFail({
    overrides: `own.example 127.0.0.1:${port}`,
    files: { 'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n` },
  })
  assert.equal(code, 1)
  assert.match(log, new RegExp(`:1:13: error: 127\\.0\\.0\\.1:${port} is this server itself`))
})

test('another exchange of the same decision takes the message', async () => {
  await haraka.send({ to: 'a@both.example' })
  await haraka.waitFor(() => good.taken.some(({ rcptTo }) => rcptTo.includes('a@both.example')), 'delivery', [
    good,
  ])
})

test('without an address of the family of bind the message is deferred with that reason, and no error', async () => {
  const mark = haraka.mark()
  await haraka.send({ to: 'a@family.example' })
  await haraka.waitForLog(
    /Temp failing .*relay v6only: none of its addresses can be used with bind = ::1/,
    mark,
  )
  assert.deepEqual(haraka.lines(/\[(ERROR|CRIT)\]/, mark), [])
})

test('a password that a relay repeats after RCPT is neither in the log nor in a report', async () => {
  await haraka.send({ to: 'a@echo.example', from: 's@client.example' })
  const report = () => good.taken.find(({ rcptTo }) => rcptTo.includes('s@client.example'))
  await haraka.waitFor(() => report() !== undefined, 'the report', [good])
  assert.match(haraka.log, /S: 550-5\.1\.1 I know \*\*\*\*/)
  assert.ok(
    echo.lines.some((line) => line.includes(FORMS[2]!)),
    'the relay was given it',
  )
  for (const form of FORMS) {
    assert.equal(haraka.log.includes(form), false, `${form} in the log`)
    assert.equal(report()!.data.includes(form), false, `${form} in the report`)
  }
})
