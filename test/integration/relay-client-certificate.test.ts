import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, utimesSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

/** A relay that demands a client certificate, and what comes of a message that goes to it first and to another server second. */
interface Case {
  readonly what: string
  /** Name of a certificate in test/fixtures/tls; undefined: none. */
  readonly certificate: string | undefined
  readonly implicitTls: boolean
  /** Why the relay failed; undefined: it took the message. */
  readonly failure: RegExp | undefined
}

const CASES: readonly Case[] = [false, true].flatMap((implicitTls) => [
  { what: 'a good certificate', certificate: 'client', implicitTls, failure: undefined },
  {
    what: 'no certificate',
    certificate: undefined,
    implicitTls,
    failure: /TLS failed: it asks for a client certificate, and the relay has no tls_cert/,
  },
  {
    what: 'a certificate of an authority that the relay does not know',
    certificate: 'self-signed',
    implicitTls,
    failure: /right after TLS: it may have refused our certificate/,
  },
])

let haraka: HarakaServer
let backup: Sink
const sinks: Sink[] = []

const fixture = (name: string) => readFileSync(`test/fixtures/tls/${name}`, 'utf8')

before(async () => {
  backup = await startSink()
  for (const { implicitTls } of CASES) {
    sinks.push(await startSink({ tls: 'server', implicitTls, demandsCertificate: true }))
  }
  const sections = CASES.map(({ certificate, implicitTls }, i) => {
    const { port } = sinks[i]!
    return [
      `[relay:r${i}]`,
      'tls = required',
      ...(implicitTls ? [`host = smtps://localhost:${port}`] : ['host = localhost', `port = ${port}`]),
      ...(certificate === undefined ? [] : [`tls_cert = ${certificate}.pem`, `tls_key = ${certificate}.key`]),
    ].join('\n')
  })
  const names = ['client', 'self-signed', 'client-expired'].flatMap((name) => [`${name}.pem`, `${name}.key`])
  haraka = await HarakaServer.start({
    overrides: [
      ...CASES.map((_, i) => `d${i}.example @r${i} $priority:1`),
      `* 127.0.0.1:${backup.port} $priority:20`,
      ...sections,
    ].join('\n'),
    loglevel: 'PROTOCOL',
    files: Object.fromEntries(names.map((name) => [`config/${name}`, fixture(name)])),
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([backup, ...sinks].map((sink) => sink?.close()))
})

CASES.forEach(({ what, implicitTls, failure }, i) => {
  test(`${what}, ${implicitTls ? 'smtps://' : 'STARTTLS'}`, async () => {
    const sink = sinks[i]!
    const mark = haraka.mark()
    await haraka.send({ to: `u@d${i}.example` })
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'the delivery', [sink, backup])
    const failed = haraka.lines(new RegExp(`relay r${i} is left out`), mark)
    if (failure === undefined) {
      assert.deepEqual(failed, [])
      assert.deepEqual(
        sink.received.map(({ secure }) => secure),
        [true],
      )
      return
    }
    assert.equal(failed.length, 1, haraka.since(mark))
    assert.match(failed[0]!, failure)
    assert.equal(sink.received.length, 0)
    assert.ok(
      backup.received.some(({ rcptTo }) => rcptTo.includes(`u@d${i}.example`)),
      'the next exchange took it in the same attempt',
    )
  })
})

test('a reload reads certificates again, and keeps the rules if one has expired', async () => {
  const replace = (name: string) => {
    for (const type of ['pem', 'key']) {
      copyFileSync(`test/fixtures/tls/${name}.${type}`, join(haraka.folder, 'config', `self-signed.${type}`))
    }
  }
  const configuration = join(haraka.folder, 'config', 'dns_overrides.ini')
  const first = haraka.mark()
  replace('client-expired')
  const now = new Date()
  utimesSync(configuration, now, now)
  await haraka.waitForLog(/the certificate expired on 2021-01-01/, first)
  const second = haraka.mark()
  replace('client')
  // Without the other server: the breaker may still leave the relay out, but alone it is tried in any case.
  haraka.write('config/dns_overrides.ini', readFileSync(configuration, 'utf8').replace(/^\* .*$/m, ''))
  // The new certificate alone may have been read first.
  await haraka.waitForLog(/read again and in force .*\blines=6\b/, second)
  const sink = sinks[2]!
  await haraka.send({ to: 'u@d2.example' })
  await haraka.waitFor(() => sink.received.length === 1, 'the delivery with the new certificate', [sink])
  assert.doesNotMatch(haraka.log, /PRIVATE KEY/)
})
