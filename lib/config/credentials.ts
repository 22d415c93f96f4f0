import type { AuthType, Credentials } from '../model/relay'
import type { TokenMechanism } from '../model/oauth2'
import type { Report } from '../source/report'
import { readOAuth2 } from './oauth2'
import { OAUTH2_KEYS } from './oauth2-keys'
import type { Section } from './section'
import { expectedKeys, findSecretSetting, keysOf, readSecret, type SecretName } from './secret-setting'
import type { SecretSources } from './types'

/** Does this mechanism take a token in place of a password? */
export const takesToken = (authType: AuthType | undefined): authType is TokenMechanism =>
  authType === 'xoauth2' || authType === 'oauthbearer'

/** What of the values of a section says who we are. */
interface LoginValues {
  readonly user?: string | undefined
  readonly auth_type?: AuthType | undefined
  readonly oauth2_scope?: string | undefined
}

const PASSWORD: SecretName = { key: 'password', noun: 'password' }

/**
 * The login of a `[relay:NAME]`. Undefined where it is not, or, reported, where something of it is wrong.
 *
 * @param values the good values of the section
 */
export function readCredentials(
  section: Section,
  values: LoginValues,
  report: Report,
  secrets: SecretSources,
): Credentials | undefined {
  return takesToken(values.auth_type)
    ? readTokenLogin(section, values, report, secrets)
    : readPasswordLogin(section, values, report, secrets)
}

function readTokenLogin(
  section: Section,
  { user, auth_type, oauth2_scope }: LoginValues,
  report: Report,
  secrets: SecretSources,
): Credentials | undefined {
  for (const key of [...keysOf(PASSWORD), 'allow_plaintext_auth']) {
    const setting = section.settings.get(key)
    if (setting === undefined) continue
    const message = `auth_type = ${auth_type} takes a token, ${key === 'allow_plaintext_auth' ? 'which only goes over TLS' : 'and no password'}`
    report.error(setting.source, setting.keySpan, 'conflict', message, { expected: `no ${key}` })
  }
  const oauth2 = readOAuth2(section, oauth2_scope, report, secrets)
  return user === undefined || oauth2 === undefined ? undefined : { user, oauth2 }
}

function readPasswordLogin(
  section: Section,
  { user }: LoginValues,
  report: Report,
  secrets: SecretSources,
): Credentials | undefined {
  for (const key of OAUTH2_KEYS) {
    const setting = section.settings.get(key)
    if (setting === undefined) continue
    report.error(
      setting.source,
      setting.keySpan,
      'conflict',
      `${key} without a mechanism that takes a token`,
      {
        expected: 'auth_type = xoauth2 or auth_type = oauthbearer',
      },
    )
  }
  const userSetting = section.settings.get('user')
  const setting = findSecretSetting(section, PASSWORD, report)
  if (setting === undefined) {
    if (userSetting !== undefined) {
      const { source, keySpan } = userSetting
      report.error(source, keySpan, 'missing-key', 'user without a password', {
        expected: expectedKeys(PASSWORD),
      })
    }
    return undefined
  }
  if (setting === 'several') return undefined
  if (userSetting === undefined) {
    report.error(setting.source, setting.keySpan, 'missing-key', `${setting.key} without user`, {
      expected: 'user = NAME',
    })
  }
  const password = readSecret(setting, PASSWORD, report, secrets)
  return user === undefined || password === undefined ? undefined : { user, password }
}
