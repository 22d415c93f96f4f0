import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { probeRelay } from '../../lib/smtp/probe'
import { Secret } from '../../lib/model/secret'
import {
  pem,
  certificate,
  credentials,
  relayAt,
  probeServices,
  startRelay,
  acceptFred,
  findingOf,
} from '../support/probed-relay'

const CERTIFICATES = [
  ['expired', /it expired on 2021-01-01/, /renew/],
  [
    'wrong-name',
    /it is for other\.example, 192\.0\.2\.1, not for relay\.example/,
    /a name that is in the certificate/,
  ],
  ['self-signed', /it is self-signed/, /NODE_EXTRA_CA_CERTS/],
] as const

for (const [name, message, advice] of CERTIFICATES) {
  test(`a certificate that is ${name} is bad if TLS is required, and otherwise a warning`, async (t) => {
    const passwords: string[] = []
    const port = await startRelay(t, {
      ...certificate(name),
      onAuth: (auth, session, callback) => {
        passwords.push(String(auth.password))
        acceptFred(auth, session, callback)
      },
    })
    const strict = await probeRelay(relayAt(port, { tls: 'required', credentials }), probeServices())
    assert.equal(strict.good, false)
    assert.deepEqual(passwords, [], 'no password goes over such a connection')
    const fault = strict.addresses[0]!.findings.find(
      ({ step, result }) => step === 'certificate' && result === 'bad',
    )
    assert.match(fault?.message ?? '', message)
    assert.match(fault?.advice ?? '', advice)

    const lenient = await probeRelay(relayAt(port, { credentials }), probeServices())
    assert.equal(lenient.good, true)
    assert.equal(findingOf(lenient, 'certificate').result, 'warning')
  })
}

test('a certificate of an unknown authority is bad', async (t) => {
  const port = await startRelay(t, certificate('server'))
  const { ca: _, ...others } = probeServices()
  const report = await probeRelay(relayAt(port, { tls: 'required' }), others)
  assert.equal(report.good, false)
  const fault = report.addresses[0]!.findings.find(({ step }) => step === 'certificate')
  assert.match(fault?.message ?? '', /authority that signed it is unknown|does not send the chain/)
})

/** Shown to a relay that asks for it. */
function clientCertificate(name: string) {
  return {
    chain: pem(name),
    key: new Secret(readFileSync(`test/fixtures/tls/${name}.key`, 'utf8')),
    subject: `CN=${name}`,
    validTo: Date.UTC(2120, 0, 1),
  }
}

for (const secure of [false, true]) {
  const how = secure ? 'with TLS from the first byte' : 'with STARTTLS'
  const asking = { ...certificate('server'), secure, requestCert: true, ca: [pem('ca')] }
  const terms = { tls: 'required', implicitTls: secure } as const

  test(`a relay that asks for a client certificate, ${how}`, async (t) => {
    const port = await startRelay(t, { ...asking, rejectUnauthorized: true })
    const fields = { ...terms, clientCertificate: clientCertificate('client') }
    const report = await probeRelay(relayAt(port, fields), probeServices())
    assert.equal(report.good, true)
    assert.equal(
      findingOf(report, 'client').message,
      'it asked for our certificate and got it: CN=client, until 2120-01-01',
    )
    const soon = await probeRelay(relayAt(port, fields), probeServices({ now: () => Date.UTC(2119, 11, 25) }))
    assert.equal(findingOf(soon, 'client').result, 'warning')
  })

  test(`a client certificate that is requested but not configured is bad, ${how}`, async (t) => {
    const port = await startRelay(t, { ...asking, rejectUnauthorized: true })
    const report = await probeRelay(relayAt(port, terms), probeServices())
    assert.equal(report.good, false)
    assert.equal(
      findingOf(report, 'client').message,
      'it asks for a client certificate, and tls_cert is not set',
    )
    assert.equal(
      findingOf(report, 'tls').message,
      'TLS failed: it asks for a client certificate, and the relay has no tls_cert',
    )
    assert.match(findingOf(report, 'tls').advice ?? '', /set tls_cert and tls_key/)
  })

  test(`a client certificate that the relay does not accept is bad, ${how}`, async (t) => {
    const port = await startRelay(t, { ...asking, rejectUnauthorized: true })
    const fields = { ...terms, clientCertificate: clientCertificate('self-signed') }
    const report = await probeRelay(relayAt(port, fields), probeServices())
    assert.equal(report.good, false)
    const { message, advice } = findingOf(report, 'tls')
    assert.match(message, /right after TLS: it may have refused our certificate$/)
    assert.match(advice ?? '', /tls_cert/)
  })

  test(`a client certificate that is not requested is not sent, ${how}`, async (t) => {
    const port = await startRelay(t, { ...certificate('server'), secure })
    const fields = { ...terms, clientCertificate: clientCertificate('client') }
    const report = await probeRelay(relayAt(port, fields), probeServices())
    assert.equal(report.good, true)
    assert.equal(findingOf(report, 'client').result, 'warning')
    assert.match(findingOf(report, 'client').message, /^it does not ask for our certificate/)
  })
}

test('a client certificate needs TLS', async (t) => {
  const port = await startRelay(t, { disabledCommands: ['STARTTLS'] })
  const report = await probeRelay(
    relayAt(port, { clientCertificate: clientCertificate('client') }),
    probeServices(),
  )
  assert.equal(report.good, false)
  assert.match(findingOf(report, 'tls').message, /STARTTLS is not offered/)
})
