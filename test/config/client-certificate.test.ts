import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { SecretSources } from '../../lib/config/types'
import { configure, diagnose, printed } from '../support/rules'

const NOW = Date.UTC(2026, 0, 2)

/** The files of test/fixtures/tls, by name. */
function fixtures(changes: Partial<SecretSources> & { readonly mode?: number } = {}): SecretSources {
  const { mode = 0o600, ...rest } = changes
  return {
    env: {},
    readFile: (path) => ({ text: readFileSync(`test/fixtures/tls/${basename(path)}`, 'utf8'), mode }),
    now: () => NOW,
    ...rest,
  }
}

const relay = (...lines: readonly string[]) => ['[relay:isp]', 'host = smtp.example.net', ...lines].join('\n')
const pair = (certificate: string, key: string) =>
  relay(`tls_cert = ${certificate}.pem`, `tls_key = ${key}.key`)

/** The diagnostics of a text, as `severity line:column code message`. */
const found = (text: string, secrets = fixtures()) =>
  diagnose(text, secrets).map(
    ({ severity, span, code, message }) => `${severity} ${span.line}:${span.column} ${code} ${message}`,
  )

describe('tls_cert and tls_key', () => {
  it('are read together with their chain', () => {
    const [isp] = configure(pair('client', 'client'), fixtures()).settings.relays
    const certificate = isp?.clientCertificate
    assert.ok(certificate)
    assert.equal(certificate.subject, 'CN=client')
    assert.equal(certificate.validTo, Date.UTC(2120, 0, 1))
    assert.equal(certificate.chain.match(/BEGIN CERTIFICATE/g)?.length, 2)
    assert.match(certificate.key.reveal(), /BEGIN PRIVATE KEY/)
    assert.doesNotMatch(inspect(isp, { depth: 9 }) + JSON.stringify(isp), /PRIVATE KEY/)
  })

  const rows: readonly (readonly [what: string, text: string, ...diagnostics: string[]])[] = [
    [
      'a key of another certificate',
      pair('client', 'server'),
      'error 4:11 bad-certificate the key does not fit the certificate',
    ],
    [
      'an expired certificate',
      pair('client-expired', 'client-expired'),
      'error 3:12 bad-certificate the certificate expired on 2021-01-01',
    ],
    [
      'a certificate that is not valid yet',
      pair('client-future', 'client-future'),
      'error 3:12 bad-certificate the certificate is not valid before 2119-01-01',
    ],
    [
      'an encrypted key',
      pair('client', 'client-encrypted'),
      'error 4:11 bad-certificate the private key is encrypted',
    ],
    [
      'a certificate in place of a key',
      relay('tls_cert = client.pem', 'tls_key = client.pem'),
      'error 4:11 bad-certificate the file of tls_key has no private key',
    ],
    [
      'a key in place of a certificate',
      relay('tls_cert = client.key', 'tls_key = client.key'),
      'error 3:12 bad-certificate the file of tls_cert has no certificate',
    ],
    [
      'files that do not exist',
      pair('missing', 'missing'),
      'error 3:12 no-secret the file of tls_cert cannot be read: there is no such file',
      'error 4:11 no-secret the file of tls_key cannot be read: there is no such file',
    ],
    [
      'a certificate of a server',
      pair('server', 'server'),
      'warning 3:12 doubtful-certificate the certificate is not meant for clients: most servers refuse it',
    ],
    [
      'a certificate without a key',
      relay('tls_cert = client.pem'),
      'error 3:1 missing-key tls_cert without tls_key',
    ],
    [
      'a key without a certificate',
      relay('tls_key = client.key'),
      'error 3:1 missing-key tls_key without tls_cert',
    ],
    [
      'tls = off',
      relay('tls = off', 'tls_cert = client.pem', 'tls_key = client.key'),
      'error 4:1 conflict with tls = off no certificate is ever shown',
    ],
  ]
  for (const [what, text, ...diagnostics] of rows) {
    it(what, () => assert.deepEqual(found(text), diagnostics))
  }

  it('warn if everybody can read the key', () => {
    assert.deepEqual(found(pair('client', 'client'), fixtures({ mode: 0o644 })), [
      'warning 4:11 secret-readable not only its owner may read the key file',
    ])
  })

  it('are warnings if they cannot be read and the command does not connect to relays', () => {
    const secrets = fixtures({ missing: 'warning' })
    const kinds = diagnose(pair('missing', 'missing'), secrets).map(({ severity }) => severity)
    assert.deepEqual(kinds, ['warning', 'warning'])
    assert.equal(
      configure(pair('missing', 'missing'), secrets).settings.relays[0]?.clientCertificate,
      undefined,
    )
  })

  it('may appear in diagnostics as paths, but not if a key seems to be pasted there', () => {
    const text = printed(relay('tls_cert = no-such.pem', 'tls_key = /etc/ssl/private/mail.key'), fixtures())
    assert.match(text, /tls_cert = no-such\.pem/)
    assert.match(text, /tls_key = \/etc\/ssl\/private\/mail\.key/)
    assert.doesNotMatch(printed(relay('tls_key = MIGHAgEAMBMGByqGSM49'), fixtures()), /MIGH/)
  })
})
