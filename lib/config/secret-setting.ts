import { dirname, resolve } from 'node:path'
import { Secret } from '../model/secret'
import type { Report } from '../source/report'
import { whyUnreadable } from '../files/unreadable'
import { isUtf16 } from './encoding'
import type { Section, SettingLine } from './section'
import type { SecretSources } from './types'
import { anyText } from './values'

/** A secret of a section. */
export interface SecretName {
  /** Its key; with `_env` the key of a variable that has it, with `_file` that of a file. */
  readonly key: string
  /** What a message calls it, as `password`. */
  readonly noun: string
}

/** The keys under which a secret may be given, each for itself. */
export const keysOf = ({ key }: SecretName): readonly string[] => [key, `${key}_env`, `${key}_file`]

/** `one of password, password_env, password_file`. */
export const expectedKeys = (name: SecretName): string => `one of ${keysOf(name).join(', ')}`

/**
 * The setting that gives a secret.
 *
 * @returns undefined where none does; `'several'`, reported, where more than one does
 */
export function findSecretSetting(
  section: Section,
  name: SecretName,
  report: Report,
): SettingLine | 'several' | undefined {
  const [first, second] = keysOf(name).flatMap((key) => section.settings.get(key) ?? [])
  if (first === undefined || second === undefined) return first
  report.error(second.source, second.keySpan, 'conflict', `${second.key} beside ${first.key}`, {
    expected: expectedKeys(name),
    related: { line: first.source.line, message: 'first given here' },
  })
  return 'several'
}

/** What a file holds, or why it cannot be read, as the end of a sentence. */
export type NamedFile = { readonly text: string; readonly mode: number } | { readonly problem: string }

/** Reads the file that a setting names, from the folder of the configuration. */
export function readNamedFile(setting: SettingLine, report: Report, secrets: SecretSources): NamedFile {
  try {
    const { text, mode } = secrets.readFile(resolve(dirname(report.file), setting.value))
    return { text: text.replace(/^\ufeff/, ''), mode }
  } catch (error) {
    // The path is not named: the secret itself may stand there.
    return { problem: `cannot be read: ${whyUnreadable(error)}` }
  }
}

/** Warns where not only the owner of the file of a secret can read it. */
export function checkMode(setting: SettingLine, mode: number, noun: string, report: Report): void {
  if ((mode & 0o044) === 0) return
  const message = `not only its owner may read the ${noun} file`
  report.warning(setting.source, setting.valueSpan, 'secret-readable', message, {
    expected: 'mode 0600 (chmod 600)',
  })
}

/** Reports a secret that cannot be read: a warning if the configuration is read by something that does not need the secrets. */
export function reportMissing(
  setting: SettingLine,
  problem: string,
  expected: string,
  report: Report,
  { missing }: Pick<SecretSources, 'missing'>,
): void {
  if (missing === 'warning') {
    report.warning(setting.source, setting.valueSpan, 'no-secret', problem, { expected })
  } else report.error(setting.source, setting.valueSpan, 'no-secret', problem, { expected })
}

/** Reads a secret; undefined, and reported, where that fails. Empty where secrets are not needed. */
export function readSecret(
  setting: SettingLine,
  { key, noun }: SecretName,
  report: Report,
  secrets: SecretSources,
): Secret | undefined {
  // A missing value is reported with the other bad values.
  if (setting.value === '') return undefined
  if (setting.key === key) return new Secret(setting.value)
  const isVariable = setting.key === `${key}_env`
  const place = isVariable ? `the environment variable of ${key}_env` : `the ${noun} file`
  const reading = isVariable
    ? readVariable(setting.value, secrets)
    : readSecretFile(setting, noun, report, secrets)
  const problem = 'problem' in reading ? reading.problem : findFault(reading.text)
  if (problem === undefined && 'text' in reading) {
    reportDoubt(reading.text, setting, place, report)
    return new Secret(reading.text)
  }
  reportMissing(setting, `${place} ${problem}`, `a ${noun} on one line, in UTF-8`, report, secrets)
  return secrets.missing === 'warning' ? new Secret('') : undefined
}

/** What a secret is, or why it cannot be read, as the end of a sentence. */
type TextReading = { readonly text: string } | { readonly problem: string }

/** A variable's own value: `constructor` is not one because every object has it. */
function readVariable(name: string, { env }: SecretSources): TextReading {
  const text = Object.hasOwn(env, name) ? env[name] : undefined
  return text === undefined ? { problem: 'is not set' } : { text }
}

function readSecretFile(
  setting: SettingLine,
  noun: string,
  report: Report,
  secrets: SecretSources,
): TextReading {
  const file = readNamedFile(setting, report, secrets)
  if ('problem' in file) return file
  checkMode(setting, file.mode, noun, report)
  return { text: file.text.replace(/\r?\n$/, '') }
}

/** Why a text can be no secret, as the end of a sentence. */
function findFault(text: string): string | undefined {
  if (text === '') return 'is empty'
  if (isUtf16(text)) return 'is UTF-16'
  if (text.includes('\0')) return 'holds a NUL character'
  if (text.includes('\ufffd')) return 'is not UTF-8'
  if (/\p{Cc}/u.test(text)) return 'holds a line break or another control character'
  return undefined
}

/** What is legal in a secret and was probably not meant: quotes, a variable. The secret is not shown. */
function reportDoubt(secret: string, setting: SettingLine, place: string, report: Report): void {
  const reading = anyText(secret)
  if (!reading.ok || reading.doubt === undefined) return
  const { message, expected } = reading.doubt
  report.warning(setting.source, setting.valueSpan, 'doubtful-value', `${place}: ${message}`, { expected })
}
