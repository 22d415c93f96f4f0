import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted } from '../support/smtp-scripted'
import { type RelayCase, PASSWORD } from '../support/relay-case'
import { TLS_CASES } from '../support/relay-tls-cases'
import { AUTH_CASES } from '../support/relay-auth-cases'

const CASES: readonly RelayCase[] = [...TLS_CASES, ...AUTH_CASES]

const servers: Scripted[] = []

let backup: Scripted

let haraka: HarakaServer

before(async () => {
  backup = await startScripted()
  for (const { server } of CASES) servers.push(await startScripted(server))
  const sections = CASES.map(({ relay }, i) => {
    const smtps = relay.some((line) => line.includes('smtps://'))
    const host = relay.some((line) => line.startsWith('host')) ? [] : ['host = 127.0.0.1']
    const lines = smtps
      ? relay.map((line) => line.replace(/(smtps:.*)/, `$1:${servers[i]!.port}`))
      : [...relay, `port = ${servers[i]!.port}`]
    return [`[relay:r${i}]`, ...host, ...lines].join('\n')
  })
  haraka = await HarakaServer.start({
    overrides: [
      ...CASES.flatMap((_, i) => [
        `d${i}.example @r${i} $priority:1`,
        `d${i}.example 127.0.0.1:${backup.port} $priority:2`,
      ]),
      ...sections,
    ].join('\n'),
    loglevel: 'PROTOCOL',
    outbound: ['temp_fail_intervals=5s*10', 'local_mx_ok=false'],
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([backup, ...servers].map((server) => server?.close()))
})

CASES.forEach((one, i) => {
  test(`${one.relay.join(', ').replace(PASSWORD, '****') || 'no settings'}: ${one.what}`, async () => {
    const server = servers[i]!
    const recipient = `u@d${i}.example`
    const mark = haraka.mark()
    await haraka.send({ to: recipient, from: `s${i}@client.example` })
    const mine = (all: Scripted) => all.taken.filter(({ rcptTo }) => rcptTo.includes(recipient))
    await haraka.waitFor(() => haraka.queueFiles().length === 0, `delivery of ${recipient}`, [server, backup])
    const failed = haraka.lines(new RegExp(`relay r${i} is left out`), mark)
    if (one.outcome === 'taken') {
      assert.deepEqual(failed, [])
      assert.equal(mine(server).length, 1)
      assert.equal(mine(server)[0]!.secure, one.secure)
      assert.equal(mine(backup).length, 0)
    } else {
      assert.equal(failed.length, 1)
      assert.match(failed[0]!, one.outcome)
      assert.equal(mine(server).length, 0)
      assert.equal(mine(backup).length, 1, 'the next exchange took it in the same attempt')
    }
    if (one.heard !== undefined)
      assert.ok(
        server.lines.some((line) => one.heard!.test(line)),
        server.lines.join('\n'),
      )
    for (const line of server.lines) if (one.unheard?.test(line)) assert.fail(`it heard ${line}`)
    assert.deepEqual(haraka.lines(/bouncing mail|Temp fail/, mark), [])
    const log = haraka.since(mark)
    assert.ok(!log.includes(PASSWORD))
    assert.ok(!log.includes(Buffer.from(PASSWORD).toString('base64')))
    assert.ok(!log.includes(Buffer.from(`\0fred\0${PASSWORD}`).toString('base64')))
  })
})
