import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { initFolder, npmInstall } from '../support/npm'
import { packPlugin } from '../support/packed'
import { startSink, type Sink } from '../support/smtp-sink'

// What an operator does, on each supported Haraka: install the packed plugin into the folder, write a rule, send a message.
// These tests ask the npm registry, so `npm test` leaves them out; `npm run test:install` runs them.

/** First and last releases under both names of Haraka's package. */
const VERSIONS = ['Haraka@3.1.7', 'Haraka@3.2.1', 'haraka@3.3.0', 'haraka@3.3.4']

const PASSWORD = 'Passw0rd'

let work: string
let archive: string
let sink: Sink
let relay: Sink

before(async () => {
  work = mkdtempSync(join(tmpdir(), 'dns-overrides-install-'))
  archive = packPlugin(work).archive
  sink = await startSink()
  relay = await startSink({ users: { fred: PASSWORD }, tls: 'server' })
})

after(async () => {
  await Promise.all([sink.close(), relay.close()])
  rmSync(work, { recursive: true, force: true })
})

describe('npm installs the plugin without --force', { concurrency: 2 }, () => {
  for (const version of VERSIONS) {
    test(`beside ${version}: mail is routed by a rule, by a relay with TLS and a password, and divided by $rcpt`, async () => {
      const folder = join(work, version)
      mkdirSync(folder)
      initFolder(folder)
      for (const wanted of [version, archive]) {
        const { status, output } = await npmInstall(folder, wanted)
        assert.equal(status, 0, output)
      }
      const name = version.replace('@', '-').toLowerCase()

      const haraka = await HarakaServer.start({
        installed: { folder, haraka: version.slice(0, version.indexOf('@')) },
        overrides: [
          `host.example 127.0.0.1:${sink.port}`,
          'relay.example @isp',
          'divided.example @isp $rcpt~=relay-* $end',
          `divided.example 127.0.0.1:${sink.port}`,
          '[relay:isp]',
          'host = 127.0.0.1',
          `port = ${relay.port}`,
          'user = fred',
          `password = ${PASSWORD}`,
        ].join('\n'),
      })
      try {
        const words = ['--no-install', 'dns-overrides', 'explain', `${name}@host.example`]
        assert.match(execFileSync('npx', words, { cwd: folder, encoding: 'utf8' }), /127\.0\.0\.1/)

        for (const [to, server] of [
          [`${name}@host.example`, sink],
          [`${name}@relay.example`, relay],
        ] as const) {
          await haraka.send({ from: 'sender@here.example', to, body: 'by a rule' })
          const arrived = () => server.received.some(({ rcptTo }) => rcptTo.includes(to))
          await haraka.waitFor(arrived, `the message to ${to}`, [server])
        }
        const [one, other] = [`${name}@divided.example`, `relay-${name}@divided.example`]
        await haraka.send({ from: 'sender@here.example', to: [one!, other!], body: 'by $rcpt' })
        const hasEach = () =>
          sink.received.some(({ rcptTo }) => rcptTo.join() === one) &&
          relay.received.some(({ rcptTo }) => rcptTo.join() === other)
        await haraka.waitFor(hasEach, 'both parts', [sink, relay])
        await haraka.waitFor(() => readdirSync(join(folder, 'queue')).length === 0, 'an empty queue')

        const relayed = relay.received.find(({ rcptTo }) => rcptTo.includes(`${name}@relay.example`))!
        assert.deepEqual([relayed.user, relayed.secure], ['fred', true])
      } finally {
        await haraka.close()
      }
    })
  }
})
