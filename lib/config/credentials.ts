import type { Credentials } from '../model/relay'
import type { Report } from '../source/report'
import type { Section } from './section'
import { expectedKeys, findSecretSetting, readSecret, type SecretName } from './secret-setting'
import type { SecretSources } from './types'

const PASSWORD: SecretName = { key: 'password', noun: 'password' }

/**
 * The user and the password of a `[relay:NAME]`. Undefined where it has none, or, reported, where they are wrong.
 *
 * @param user the value of `user`, if it is good
 */
export function readCredentials(
  section: Section,
  user: string | undefined,
  report: Report,
  secrets: SecretSources,
): Credentials | undefined {
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
