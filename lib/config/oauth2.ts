import type { OAuth2Client } from '../model/oauth2'
import type { Secret } from '../model/secret'
import type { Report } from '../source/report'
import type { Section, SettingLine } from './section'
import { expectedKeys, findSecretSetting, readSecret, type SecretName } from './secret-setting'
import type { SecretSources } from './types'
import type { Reader } from './values'

const TOKEN_URL: SecretName = { key: 'oauth2_token_url', noun: 'token URL' }
const CLIENT_ID: SecretName = { key: 'oauth2_client_id', noun: 'client id' }
const CLIENT_SECRET: SecretName = { key: 'oauth2_client_secret', noun: 'client secret' }
const REFRESH_TOKEN: SecretName = { key: 'oauth2_refresh_token', noun: 'refresh token' }

const URL_FORM = 'https://HOST/PATH, as the provider documents it'

/** RFC 6749 section 3.2: over TLS, without a fragment. User and password have keys of their own. */
export const tokenUrl: Reader<string> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:')
    return {
      ok: false,
      problem: 'a token is never asked for over a connection that is not encrypted',
      expected: URL_FORM,
    }
  const isGood = url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === ''
  return isGood ? { ok: true, value } : { ok: false, expected: URL_FORM }
}

/**
 * The OAuth 2.0 client of a `[relay:NAME]`. Undefined, and reported, where something of it is missing or wrong.
 *
 * @param scope the value of `oauth2_scope`
 */
export function readOAuth2(
  section: Section,
  scope: string | undefined,
  report: Report,
  secrets: SecretSources,
): OAuth2Client | undefined {
  const read = (name: SecretName) => readPart(section, name, report, secrets)
  const [url, clientId, clientSecret, refreshToken] = [
    read(TOKEN_URL),
    read(CLIENT_ID),
    read(CLIENT_SECRET),
    read(REFRESH_TOKEN),
  ]
  const missing = [
    ...(url.kind === 'absent' ? [expectedKeys(TOKEN_URL)] : []),
    ...(clientId.kind === 'absent' ? [expectedKeys(CLIENT_ID)] : []),
    ...(clientSecret.kind === 'absent' && refreshToken.kind === 'absent'
      ? [`${CLIENT_SECRET.key} (client credentials) or ${REFRESH_TOKEN.key}`]
      : []),
  ]
  const place = section.settings.get('auth_type')
  if (missing.length > 0 && place !== undefined) {
    const message = `auth_type = ${place.value} needs to know where its tokens come from`
    report.error(place.source, place.valueSpan, 'missing-key', message, { expected: missing.join('; ') })
  }
  const tokenUrlText = url.kind === 'good' ? checkUrl(url, report, secrets) : undefined
  const parts = [url, clientId, clientSecret, refreshToken]
  if (missing.length > 0 || tokenUrlText === undefined || parts.some(({ kind }) => kind === 'bad'))
    return undefined
  if (clientId.kind !== 'good') return undefined
  return {
    tokenUrl: tokenUrlText,
    clientId: clientId.secret.reveal(),
    ...(clientSecret.kind === 'good' ? { clientSecret: clientSecret.secret } : {}),
    ...(refreshToken.kind === 'good' ? { refreshToken: refreshToken.secret } : {}),
    ...(scope === undefined ? {} : { scope }),
  }
}

/** One part as it was read; what is bad is reported. */
type ClientPart =
  | { readonly kind: 'absent' | 'bad' }
  | { readonly kind: 'good'; readonly secret: Secret; readonly setting: SettingLine }

function readPart(section: Section, name: SecretName, report: Report, secrets: SecretSources): ClientPart {
  const setting = findSecretSetting(section, name, report)
  if (setting === undefined) return { kind: 'absent' }
  const secret = setting === 'several' ? undefined : readSecret(setting, name, report, secrets)
  return setting === 'several' || secret === undefined ? { kind: 'bad' } : { kind: 'good', secret, setting }
}

/** A URL from a variable or a file; one that stands here is checked with the other values. */
function checkUrl(
  { secret, setting }: Extract<ClientPart, { kind: 'good' }>,
  report: Report,
  { missing }: SecretSources,
): string | undefined {
  const text = secret.reveal()
  if (tokenUrl(text).ok || (text === '' && missing === 'warning')) return text
  if (setting.key !== TOKEN_URL.key) {
    const message = `${setting.key} does not lead to the URL of a token endpoint`
    report.error(setting.source, setting.valueSpan, 'bad-value', message, { expected: URL_FORM })
  }
  return undefined
}
