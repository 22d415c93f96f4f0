import { isIP } from 'node:net'
import {
  formatEndpoint,
  formatHost,
  LAST_PORT,
  parseEndpoint,
  SMTP_PORT,
  SMTPS_PORT,
  splitBareIPv6,
} from '../model/endpoint'
import { LAST_PRIORITY } from '../model/exchange'
import type { AuthType } from '../model/relay'
import { RELAY_TERMS, SMTPS_TERMS, whyPassedOver, type Terms, type TlsPolicy } from '../model/terms'
import { badHost } from './bad-host'
import { readClientCertificate } from './client-certificate'
import { readCredentials, takesToken } from './credentials'
import { tokenUrl } from './oauth2'
import { OAUTH2_KEYS } from './oauth2-keys'
import { readKeys } from './keyed'
import type { Section, SettingLine } from './section'
import type { Report } from '../source/report'
import { readTerms, TERMS_KEYS } from './terms'
import type { RelaySettings, SecretSources } from './types'
import { oneOf, plainText, wholeNumber, yesOrNo, type Reader, withMeant } from './values'

interface HostValue {
  readonly host: string
  readonly port?: number
  readonly implicitTls: boolean
}

const HOST = 'a host name or IP address, or smtps://host[:port]'

/** `smtp.example.com`, `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, `smtps://host[:port]`. */
const hostValue: Reader<HostValue> = (value) => {
  const secure = /^smtps:\/\/(.*)$/is.exec(value)?.[1]
  const reading = parseEndpoint(secure ?? value)
  if (!reading.ok) return badHost(value, secure ?? value, HOST)
  const { host, port } = reading
  const split = splitBareIPv6(secure ?? value)
  if (split !== undefined) {
    const withPort =
      secure === undefined ? `${split.host} and port = ${split.port}` : `smtps://${formatEndpoint(split)}`
    const problem = 'an IPv6 address without brackets may end in a port'
    const expected = `${withPort}, or ${secure === undefined ? '' : 'smtps://'}[${secure ?? value}] for the address`
    return { ok: false, problem, expected }
  }
  if (port !== undefined && secure === undefined) {
    return { ok: false, expected: `${HOST}; the port has a key of its own`, suggestion: `port = ${port}` }
  }
  return {
    ok: true,
    value: { host, implicitTls: secure !== undefined, ...(port === undefined ? {} : { port }) },
  }
}

/** `oauth2_client_secret_env`, `oauth2_client_secret_file` and so on. */
const OAUTH2_SOURCES = Object.fromEntries(
  OAUTH2_KEYS.filter((key) => /_(?:env|file)$/.test(key)).map((key) => [
    key,
    plainText(key.endsWith('_env') ? 'the name of an environment variable' : 'the path of a file'),
  ]),
)

/** The keys of `[relay:NAME]`. */
export const RELAY_KEYS = {
  host: hostValue,
  port: wholeNumber(1, LAST_PORT),
  user: plainText('a user name'),
  password: plainText('a password'),
  password_env: plainText('the name of an environment variable'),
  password_file: plainText('the path of a file'),
  auth_type: withMeant(oneOf('plain', 'login', 'cram-md5', 'xoauth2', 'oauthbearer'), {
    oauth: 'xoauth2',
    oauth2: 'xoauth2',
    bearer: 'oauthbearer',
  }),
  oauth2_token_url: tokenUrl,
  oauth2_client_id: plainText('the id of the client'),
  oauth2_client_secret: plainText('the secret of the client'),
  oauth2_refresh_token: plainText('a refresh token'),
  oauth2_scope: plainText('the scope, as the provider documents it'),
  ...OAUTH2_SOURCES,
  allow_plaintext_auth: yesOrNo,
  tls_cert: plainText('the path of a file'),
  tls_key: plainText('the path of a file'),
  lmtp: yesOrNo,
  priority: wholeNumber(0, LAST_PRIORITY),
  ...TERMS_KEYS,
}

/** `[relay:NAME]`. If it has errors, what is good in it: enough to check override lines. */
export function readRelay(
  section: Section,
  report: Report,
  secrets: SecretSources,
): RelaySettings | undefined {
  const { header, name } = section
  if (header === undefined || name === undefined) return undefined
  const values = readKeys(section, RELAY_KEYS, report)
  const at = (key: string) => section.settings.get(key)
  // The header of `[relay:]` is reported already: one message is enough for a section that was only begun.
  if (at('host') === undefined && name !== '') {
    report.error(
      header.source,
      header.span,
      'missing-key',
      `relay ${report.quote(header.source, header.span)} has no host`,
      {
        expected: 'host = smtp.example.com',
      },
    )
  }
  const implicitTls = values.host?.implicitTls ?? false
  checkPort(section, values.host, report)
  const tls = values.tls
  if (implicitTls && tls !== undefined && tls !== 'required') {
    const setting = at('tls')!
    report.error(
      setting.source,
      setting.valueSpan,
      'conflict',
      `smtps:// is always encrypted, and tls is ${tls}`,
      {
        expected: 'tls = required, or no tls',
      },
    )
  }
  warnUnverified(section, values, report)
  if (
    tls === 'off' &&
    values.user !== undefined &&
    (values.allow_plaintext_auth !== true || takesToken(values.auth_type))
  ) {
    const { source, valueSpan } = at('tls')!
    const what = takesToken(values.auth_type) ? 'token' : 'password'
    report.error(source, valueSpan, 'conflict', `with tls = off the ${what} is never sent`, {
      expected: takesToken(values.auth_type)
        ? 'tls = required'
        : 'tls = required, or allow_plaintext_auth = true to send it over a connection that is not encrypted',
    })
  }
  checkClientCertificate(section, tls, report)
  const clientCertificate = readClientCertificate(section, report, secrets, secrets.now?.() ?? Date.now())
  const credentials = readCredentials(section, values, report, secrets)
  for (const key of ['auth_type', 'allow_plaintext_auth'] as const) {
    const setting = at(key)
    if (setting === undefined || at('user') !== undefined) continue
    report.error(setting.source, setting.keySpan, 'conflict', `${key} without user`, {
      expected: takesToken(values.auth_type) ? 'user = MAILBOX' : 'user and a password',
    })
  }
  const password = at('password') ?? at('oauth2_client_secret') ?? at('oauth2_refresh_token')
  const certificateSetting = at('tls_cert')
  const terms: Terms = {
    ...readTerms(section, values, implicitTls ? SMTPS_TERMS : RELAY_TERMS, report),
    lmtp: values.lmtp ?? RELAY_TERMS.lmtp,
  }
  reportUnfitHost(at('host'), values.host, terms, report)
  return {
    name,
    endpoint: {
      host: values.host?.host ?? '',
      port: values.host?.port ?? values.port ?? (implicitTls ? SMTPS_PORT : SMTP_PORT),
    },
    terms,
    implicitTls,
    allowPlaintextAuth: values.allow_plaintext_auth ?? false,
    ...(values.priority === undefined ? {} : { priority: values.priority }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(values.auth_type === undefined ? {} : { authType: values.auth_type }),
    span: header.span,
    ...(password === undefined || password.value === '' ? {} : { passwordSpan: password.keySpan }),
    ...(certificateSetting === undefined ? {} : { certificateSpan: certificateSetting.valueSpan }),
  }
}

/** Anyone who has a token can use it (RFC 6750 section 5.3), so it should be known which server gets it. */
function warnUnverified(
  { settings }: Section,
  { auth_type, tls, host }: { auth_type?: AuthType; tls?: TlsPolicy; host?: HostValue },
  report: Report,
): void {
  const place = settings.get('auth_type')
  if (place === undefined || !takesToken(auth_type) || tls === 'required' || tls === 'off') return
  if (host?.implicitTls === true) return
  const message = 'the token is shown to any server that answers there, whatever its certificate'
  report.warning(place.source, place.valueSpan, 'unverified-token', message, { expected: 'tls = required' })
}

/** A client certificate is shown in the TLS handshake, and nowhere else. */
function checkClientCertificate(section: Section, tls: TlsPolicy | undefined, report: Report): void {
  const setting = section.settings.get('tls_cert')
  if (setting === undefined || tls !== 'off') return
  report.error(setting.source, setting.keySpan, 'conflict', 'with tls = off no certificate is ever shown', {
    expected: 'tls = required',
  })
}

/** An address that `bind` and `family` never let a connection go to. */
function reportUnfitHost(
  setting: SettingLine | undefined,
  host: HostValue | undefined,
  terms: Terms,
  report: Report,
): void {
  if (setting === undefined || host === undefined || isIP(host.host) === 0) return
  const reason = whyPassedOver(terms, host.host)
  if (reason === undefined) return
  const message = `no mail can go to ${host.host}: ${reason}`
  const expected = 'an address of the family that bind and family allow'
  report.error(setting.source, setting.valueSpan, 'conflict', message, { expected })
}

/** Port 465 speaks TLS from the first byte: without `smtps://` both ends would wait for the other's greeting. */
function checkPort(section: Section, host: HostValue | undefined, report: Report): void {
  const setting = section.settings.get('port')
  if (setting === undefined || host === undefined) return
  if (host.port !== undefined && host.port !== Number(setting.value)) {
    report.error(setting.source, setting.valueSpan, 'conflict', 'host and port name different ports', {
      expected: 'the port once',
    })
  }
  if (Number(setting.value) === SMTPS_PORT && !host.implicitTls) {
    report.error(
      setting.source,
      setting.valueSpan,
      'implicit-tls',
      'port 465 speaks TLS from the first byte',
      {
        expected: 'host = smtps://HOST',
        suggestion: `host = smtps://${formatHost(host.host)}`,
      },
    )
  }
}
