import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { AddressAnswer } from '../../lib/model/dns-answer'
import { ResolveError } from '../../lib/model/errors'
import { probeRelay } from '../../lib/smtp/probe'
import { relayOf } from '../support/servers'
import {
  certificate,
  credentials,
  relayAt,
  probeServices,
  startRelay,
  startScript,
  acceptFred,
  stepsOf,
  findingOf,
} from '../support/probed-relay'

test('a good relay with STARTTLS, certificate and AUTH', async (t) => {
  const port = await startRelay(t, { ...certificate('server'), onAuth: acceptFred })
  const report = await probeRelay(
    relayAt(port, { name: 'isp', tls: 'required', credentials }),
    probeServices(),
  )
  assert.equal(report.good, true)
  assert.equal(report.name, 'isp')
  assert.equal(report.key, `fred@relay.example:${port}`)
  assert.deepEqual(stepsOf(report), [
    'connect good',
    'greeting good',
    'ehlo good',
    'tls good',
    'certificate good',
    'auth good',
  ])
  assert.match(findingOf(report, 'certificate').message, /^server, signed by Test CA, until 2120-01-01$/)
})

test('TLS from the first byte succeeds', async (t) => {
  const port = await startRelay(t, { ...certificate('server'), secure: true, onAuth: acceptFred })
  const report = await probeRelay(
    relayAt(port, { implicitTls: true, credentials, tls: 'required' }),
    probeServices(),
  )
  assert.equal(report.good, true)
  assert.deepEqual(stepsOf(report), [
    'connect good',
    'tls good',
    'certificate good',
    'greeting good',
    'ehlo good',
    'auth good',
  ])
})

test('required STARTTLS that is not offered is bad', async (t) => {
  const port = await startRelay(t, { hideSTARTTLS: true })
  const report = await probeRelay(relayAt(port, { tls: 'required' }), probeServices())
  assert.equal(report.good, false)
  assert.equal(findingOf(report, 'tls').message, 'TLS is required, and STARTTLS is not offered')
})

test('TLS from the first byte to a server that speaks plain SMTP is bad', async (t) => {
  const port = await startRelay(t, { hideSTARTTLS: true })
  const report = await probeRelay(relayAt(port, { implicitTls: true }), probeServices())
  assert.equal(report.good, false)
  assert.match(findingOf(report, 'tls').advice ?? '', /leave out smtps:/)
  assert.equal(findingOf(report, 'tls').message, 'TLS failed: wrong version number')
})

const GREETINGS = [
  ['554 go away\r\n', 'it greeted with 554 go away', /ask its operator/],
  ['421 too many\r\n', 'it greeted with 421 too many', /try later/],
  ['HTTP/1.1 400 Bad Request\r\n', 'its reply is not SMTP: HTTP/1.1 400 Bad Request', undefined],
  ['554 \u001b[2Jgo\r\n', 'it greeted with 554 \ufffd[2Jgo', /operator/],
] as const

for (const [said, message, advice] of GREETINGS) {
  test(`a greeting of ${JSON.stringify(said)} is bad`, async (t) => {
    const report = await probeRelay(relayAt(await startScript(t, [said])), probeServices())
    assert.equal(report.good, false)
    assert.equal(findingOf(report, 'greeting').message, message)
    if (advice !== undefined) assert.match(findingOf(report, 'greeting').advice ?? '', advice)
  })
}

test('a silent server is given up in time, with a hint at implicit TLS', async (t) => {
  const port = await startScript(t, [])
  const report = await probeRelay(relayAt(port), probeServices({ timeoutMs: 2000 }))
  assert.equal(findingOf(report, 'greeting').message, 'no greeting: no reply within 2 s')
  assert.match(findingOf(report, 'greeting').advice ?? '', /smtps:/)
})

for (const said of ['220', '220-hello\r\n220-']) {
  test(`a greeting that goes no further than ${JSON.stringify(said)} is reported as such, without a hint at TLS`, async (t) => {
    const port = await startScript(t, [said])
    const report = await probeRelay(relayAt(port), probeServices({ timeoutMs: 2000 }))
    const { message, advice } = findingOf(report, 'greeting')
    assert.deepEqual([message, advice], ['no greeting: its reply does not end within 2 s', undefined])
  })
}

test('a bind address that this machine does not have is bad', async () => {
  const unbound = relayAt(2525)
  const terms = { ...unbound.terms, bind: { v4: '192.0.2.7' } }
  const report = await probeRelay({ ...unbound, terms }, probeServices())
  assert.equal(findingOf(report, 'connect').advice, 'bind = 192.0.2.7 is not an address of this machine')
})

test('a port where nothing listens is bad', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const report = await probeRelay(relayAt(port), probeServices())
  t.diagnostic(findingOf(report, 'connect').message)
  assert.equal(report.good, false)
  assert.match(findingOf(report, 'connect').advice ?? '', new RegExp(`nothing listens on port ${port}`))
})

test('a relay with two addresses is good if one of them answers', async (t) => {
  const port = await startRelay(t, certificate('server'))
  const addresses = ['127.0.0.9', '127.0.0.1']
  const lookup = async () =>
    ({ kind: 'addresses', addresses, how: 'fresh', server: 'hosts', ttlSeconds: 0 }) as const
  const report = await probeRelay(relayAt(port), probeServices({ lookup }))
  assert.deepEqual(
    report.addresses.map(({ address, good }) => [address, good]),
    [
      ['127.0.0.9', false],
      ['127.0.0.1', true],
    ],
  )
  assert.equal(report.good, true)
})

const LOOKUPS: readonly (readonly [AddressAnswer, string])[] = [
  [
    { kind: 'none', proven: true, how: 'fresh', server: '127.0.0.1:53', ttlSeconds: 60 },
    'relay.example has no address',
  ],
  [
    { kind: 'failed', error: new ResolveError('timeout', { code: 'ETIMEOUT', temporary: true }) },
    'relay.example could not be looked up: timeout',
  ],
]

for (const [answer, message] of LOOKUPS) {
  test(`without an address it fails: ${answer.kind}`, async () => {
    const report = await probeRelay(relayAt(25), probeServices({ lookup: async () => answer }))
    assert.equal(report.good, false)
    assert.equal(findingOf(report, 'address').message, message)
  })
}

test('a server that knows only HELO is good if nothing more is needed, as in a delivery', async (t) => {
  const replies = ['220 x\r\n', '500 what?\r\n', '250 x\r\n', '221 x\r\n']
  const plain = await probeRelay(
    relayOf({ host: 'relay.example', port: await startScript(t, replies) }),
    probeServices(),
  )
  assert.equal(plain.good, true)
  const port = await startScript(t, replies)
  const strict = await probeRelay(relayOf({ host: 'relay.example', port, tls: 'required' }), probeServices())
  assert.equal(strict.good, false)
  assert.equal(findingOf(strict, 'ehlo').message, 'it refused EHLO: 500 what?')
})

test('TLS from the first byte with a bad certificate is bad, as in a delivery', async (t) => {
  const port = await startRelay(t, { ...certificate('expired'), secure: true })
  const report = await probeRelay(
    relayOf({ host: 'relay.example', port, implicitTls: true }),
    probeServices(),
  )
  assert.equal(report.good, false)
})
