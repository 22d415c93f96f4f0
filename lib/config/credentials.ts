import { dirname, resolve } from 'node:path'
import type { Credentials } from '../model/relay'
import { Secret } from '../model/secret'
import type { Report } from '../source/report'
import { whyUnreadable } from '../source/unreadable'
import type { Section, SettingLine } from './parse'
import type { SecretSources } from './types'

const PASSWORD_KEYS = ['password', 'password_env', 'password_file'] as const
const EXPECTED = `one of ${PASSWORD_KEYS.join(', ')}`

/** A password, or why it cannot be had, as a sentence about its source. */
type PasswordReading = { readonly password: string } | { readonly problem: string }

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
  const [first, second] = PASSWORD_KEYS.flatMap((key) => section.settings.get(key) ?? [])
  if (first === undefined) {
    if (userSetting !== undefined) {
      const { source, keySpan } = userSetting
      report.error(source, keySpan, 'missing-key', 'user without a password', { expected: EXPECTED })
    }
    return undefined
  }
  if (userSetting === undefined) {
    report.error(first.source, first.keySpan, 'missing-key', `${first.key} without user`, {
      expected: 'user = NAME',
    })
  }
  if (second !== undefined) {
    report.error(second.source, second.keySpan, 'conflict', `${second.key} beside ${first.key}`, {
      expected: EXPECTED,
      related: { line: first.source.line, message: 'first given here' },
    })
    return undefined
  }
  const password = readPassword(first, report, secrets)
  return user === undefined || password === undefined ? undefined : { user, password }
}

/** Reports what is wrong; an empty secret where the configuration is read without need of the secrets. */
function readPassword(setting: SettingLine, report: Report, secrets: SecretSources): Secret | undefined {
  // A missing value is reported with the other bad values.
  if (setting.value === '') return undefined
  if (setting.key === 'password') return new Secret(setting.value)
  const reading =
    setting.key === 'password_env'
      ? checkPassword(valueOfVariable(setting.value, secrets), 'the environment variable of password_env')
      : readPasswordFile(setting, report, secrets)
  if ('password' in reading) return new Secret(reading.password)
  const help = { expected: 'a password on one line, in UTF-8' }
  if (secrets.missing === 'warning') {
    report.warning(setting.source, setting.valueSpan, 'no-secret', reading.problem, help)
    return new Secret('')
  }
  report.error(setting.source, setting.valueSpan, 'no-secret', reading.problem, help)
  return undefined
}

/** A variable's own value: `constructor` is not one because every object has it. */
function valueOfVariable(name: string, { env }: SecretSources): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

function readPasswordFile(setting: SettingLine, report: Report, secrets: SecretSources): PasswordReading {
  let file: ReturnType<SecretSources['readFile']>
  try {
    file = secrets.readFile(resolve(dirname(report.file), setting.value))
  } catch (error) {
    // The path is not named: the password itself may stand there.
    return { problem: `the password file cannot be read: ${whyUnreadable(error)}` }
  }
  if ((file.mode & 0o044) !== 0) {
    report.warning(
      setting.source,
      setting.valueSpan,
      'secret-readable',
      'not only its owner may read the password file',
      { expected: 'mode 0600 (chmod 600)' },
    )
  }
  return checkPassword(file.text.replace(/^\ufeff/, '').replace(/\r?\n$/, ''), 'the password file')
}

function checkPassword(value: string | undefined, source: string): PasswordReading {
  if (value === undefined) return { problem: `${source} is not set` }
  if (value === '') return { problem: `${source} is empty` }
  if (value.includes('\ufffd') || value.includes('\0')) return { problem: `${source} is not UTF-8` }
  if (/\p{Cc}/u.test(value)) return { problem: `${source} holds a line break or another control character` }
  return { password: value }
}
