import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ClientCertificate } from '../model/relay'
import { toPrintable } from '../model/printable'
import { Secret } from '../model/secret'
import type { Report } from '../source/report'
import type { Section, SettingLine } from './section'
import { checkMode, readNamedFile, reportMissing } from './secret-setting'
import type { SecretSources } from './types'

/** What `tls_cert` and `tls_key` are. */
const CERTIFICATE = 'a file in PEM: the certificate, then those that lead to its authority'
const KEY = 'a file in PEM with the private key of tls_cert, not encrypted'
/** Extended key usage "client authentication" (RFC 5280 section 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
/** PKCS #8 (RFC 7468 section 11), and OpenSSL's older form (RFC 1421 section 4.6.1.1). */
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** A certificate and what was read of it, in the order of its file. */
interface Chain {
  readonly text: string
  readonly certificates: readonly X509Certificate[]
}

/**
 * The client certificate of a `[relay:NAME]`. Undefined where it has none, or where it cannot be used, which is reported.
 *
 * @param now milliseconds since the epoch
 */
export function readClientCertificate(
  section: Section,
  report: Report,
  secrets: SecretSources,
  now: number,
): ClientCertificate | undefined {
  const certificateSetting = section.settings.get('tls_cert')
  const keySetting = section.settings.get('tls_key')
  if (certificateSetting === undefined || keySetting === undefined) {
    const alone = certificateSetting ?? keySetting
    if (alone === undefined) return undefined
    const other = alone.key === 'tls_cert' ? 'tls_key' : 'tls_cert'
    report.error(alone.source, alone.keySpan, 'missing-key', `${alone.key} without ${other}`, {
      expected: `${other} = FILE`,
    })
  }
  const chain = certificateSetting && readChain(certificateSetting, report, secrets, now)
  const key = keySetting && readKey(keySetting, report, secrets)
  if (chain === undefined || key === undefined) return undefined
  const problem = whyUnfit(chain, key)
  if (problem !== undefined) {
    report.error(keySetting!.source, keySetting!.valueSpan, 'bad-certificate', problem, {
      expected: 'the key that the certificate was made for',
    })
    return undefined
  }
  const [first] = chain.certificates
  return {
    chain: chain.text,
    key: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    subject: toPrintable(first!.subject.replaceAll('\n', ', ')),
    validTo: Date.parse(first!.validTo),
  }
}

function readChain(
  setting: SettingLine,
  report: Report,
  secrets: SecretSources,
  now: number,
): Chain | undefined {
  if (setting.value === '') return undefined
  const file = readNamedFile(setting, report, secrets)
  if ('problem' in file) {
    reportMissing(setting, `the file of tls_cert ${file.problem}`, CERTIFICATE, report, secrets)
    return undefined
  }
  const certificates = parseCertificates(file.text)
  const [first] = certificates
  const problem = first === undefined ? 'the file of tls_cert has no certificate' : whyNotValid(first, now)
  if (first === undefined || problem !== undefined) {
    report.error(setting.source, setting.valueSpan, 'bad-certificate', problem ?? '', {
      expected: first === undefined ? CERTIFICATE : 'a certificate that is valid now',
    })
    return undefined
  }
  const usage = first.keyUsage as readonly string[] | undefined
  if (usage !== undefined && !usage.includes(CLIENT_AUTH)) {
    const message = 'the certificate is not meant for clients: most servers refuse it'
    report.warning(setting.source, setting.valueSpan, 'doubtful-certificate', message, {
      expected: 'a certificate with the extended key usage "TLS Web Client Authentication"',
    })
  }
  return { text: file.text, certificates }
}

/** Empty where one of them is not a certificate. */
function parseCertificates(text: string): readonly X509Certificate[] {
  try {
    return (text.match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem))
  } catch {
    return []
  }
}

function whyNotValid({ validFrom, validTo }: X509Certificate, now: number): string | undefined {
  const day = (text: string) => new Date(text).toISOString().slice(0, 10)
  if (now > Date.parse(validTo)) return `the certificate expired on ${day(validTo)}`
  return now < Date.parse(validFrom) ? `the certificate is not valid before ${day(validFrom)}` : undefined
}

function readKey(setting: SettingLine, report: Report, secrets: SecretSources): KeyObject | undefined {
  if (setting.value === '') return undefined
  const file = readNamedFile(setting, report, secrets)
  if ('problem' in file) {
    reportMissing(setting, `the file of tls_key ${file.problem}`, KEY, report, secrets)
    return undefined
  }
  checkMode(setting, file.mode, 'key', report)
  try {
    return createPrivateKey(file.text)
  } catch {
    const isEncrypted = ENCRYPTED_KEY.test(file.text)
    const message = isEncrypted ? 'the private key is encrypted' : 'the file of tls_key has no private key'
    const expected = isEncrypted
      ? 'a key without a passphrase (openssl pkey -in OLD -out NEW), mode 0600'
      : KEY
    report.error(setting.source, setting.valueSpan, 'bad-certificate', message, { expected })
    return undefined
  }
}

function whyUnfit({ text, certificates }: Chain, key: KeyObject): string | undefined {
  const [first, ...others] = certificates
  if (first?.checkPrivateKey(key) !== true) {
    return others.some((other) => other.checkPrivateKey(key))
      ? 'the key fits another certificate of the file of tls_cert, and not the first'
      : 'the key does not fit the certificate'
  }
  try {
    createSecureContext({ cert: text, key: key.export({ type: 'pkcs8', format: 'pem' }) })
    return undefined
  } catch (error) {
    return `TLS cannot use the certificate: ${toPrintable((error as Error).message, { max: 200 })}`
  }
}
