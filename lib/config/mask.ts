import { isIP } from 'node:net'
import { placeWords, type PlacedWord, type Range } from '../source/hide'
import type { LineKind } from '../source/line'
import { nearest } from '../source/suggest'
import { KEYS, knownKey, type KeyedSection } from './keys'
import { isPlainWord, isVariableName, SECRETIVE, secretsOfPath, secretsOfTarget } from './secret-words'

type SettingKind = KeyedSection | 'unknown'

/** Sections of which some value is a secret. */
const hasSecrets = (section: SettingKind) => section === 'relay' || section === 'redis'

/** Is the value of this key not a secret? The key is a known one, or a misspelling of one. */
function isPlainKey(section: SettingKind, key: string): section is KeyedSection {
  if (SECRETIVE.test(key) || section === 'unknown') return false
  const known = knownKey(section, key)
  return (hasSecrets(section) ? known : (known ?? nearest(key, KEYS[section]))) !== undefined
}

/** The words of a value that may be displayed although the key names a secret. */
function secretsOfSecretive(key: string, value: readonly PlacedWord[], whole: Range): readonly Range[] {
  const [first, ...rest] = value
  if (first === undefined || rest.length > 0) return [whole]
  if (key.endsWith('_env') && isVariableName(first.text)) return []
  return key.endsWith('_file') || key === 'tls_key' ? secretsOfPath(first) : [whole]
}

/** What to hide of a `key = value` line, or of one that should have been. */
export function secretsOfSetting(line: string, section: SettingKind): readonly Range[] {
  const end = line.trimEnd().length
  const [, lead = '', key = '', gap = ''] = /^(\s*)([^\s=:]*)([\s=:]*)/.exec(line) ?? []
  const valueStart = lead.length + key.length + gap.length
  const whole = { start: valueStart, end }
  if (!gap.includes('=')) {
    // A word that is only nearly a key may be a password that is nearly "password".
    const known = section !== 'unknown' && knownKey(section, key) !== undefined
    return [known ? whole : { start: lead.length, end }]
  }
  const words = placeWords(line, valueStart)
  const comment = words.findIndex(({ text }) => text.startsWith(';'))
  const value = comment === -1 ? words : words.slice(0, comment)
  if (section !== 'unknown' && SECRETIVE.test(key)) {
    return secretsOfSecretive(knownKey(section, key) ?? key, value, whole)
  }
  if (!isPlainKey(section, key)) return [whole]
  if (hasSecrets(section)) {
    const [first, ...rest] = words
    return first === undefined ? [] : [...secretsOfTarget(first, rest, line), ...rest]
  }
  return value.filter(({ text }, index) => !isPlainWord(text) && !isListed(text, value[index - 1]?.text))
}

/** A word of a list of addresses, or a value of one word. */
function isListed(word: string, before: string | undefined): boolean {
  if (before !== undefined && !before.endsWith(',') && !word.startsWith(',') && isIP(word) === 0) return false
  return word
    .split(',')
    .every((part) => /^(?:tls:\/\/)?[[\]0-9a-f.:]+(?:\/\d+|#[\w.-]*)?$/i.test(part) || !/[@:]/.test(part))
}

/** What to hide of a line of `[attempts]`: all but the pattern, numbers and plain words. */
export function secretsOfAttempts(line: string): readonly Range[] {
  const [first, ...rest] = placeWords(line)
  const isNamed = (text: string) => {
    const name = /^([a-z]+)=\w{0,4}$/i.exec(text)?.[1]
    return name !== undefined && nearest(name, ['direct', 'relay']) !== undefined
  }
  const isPlain = ({ text }: PlacedWord) =>
    text === '=' || isPlainWord(text.replace(/^=|=$/, '')) || isNamed(text)
  return [
    ...(first === undefined ? [] : secretsOfTarget(first, [], line)),
    ...rest.filter((word) => !isPlain(word)),
  ]
}

const PLAIN_HEADER =
  /^\s*\[\s*(?:overrides|dns|attempts|redis|status|tests|direct|(?:relay|direct|zone)\s*:[ \t]*[\w.-]*)\s*$/i

/** `[relay:fred:password@host]`: nothing but a plain name is shown, and nothing of a bracket that is not closed. */
function secretsOfHeader(line: string): readonly Range[] {
  const end = line.trimEnd().length
  const open = line.indexOf('[')
  const close = line.indexOf(']')
  if (close === -1) return PLAIN_HEADER.test(line) ? [] : [{ start: open + 1, end }]
  const colon = line.slice(0, close).indexOf(':')
  const inside = line.slice(open + 1, close)
  const name = line.slice(colon + 1, close)
  const port = /^:\d{1,5}(?=\s|$)/.exec(line.slice(close + 1))?.[0].length ?? 0
  // A domain may have letters of any script.
  const plainName = /^\s*zone\s*:/i.test(inside) ? /^[\p{L}\p{M}\p{N}._\s-]*$/u : /^[\w.\s-]*$/
  const isPlain = colon === -1 || isIP(inside) !== 0 || plainName.test(name)
  const start = isPlain ? close + 1 + port : colon + 1
  return start < end ? [{ start, end }] : []
}

/** What to hide of a line that this folder reads. */
export function secretsOfLine(
  line: string,
  kind: Exclude<LineKind, 'overrides' | 'tests'>,
): readonly Range[] {
  switch (kind) {
    case 'header':
      return secretsOfHeader(line)
    case 'attempts':
      return secretsOfAttempts(line)
    case 'top':
    case 'dns':
    case 'zone':
    case 'relay':
    case 'direct':
    case 'redis':
    case 'status':
    case 'unknown':
      return secretsOfSetting(line, kind)
    default:
      return kind satisfies never
  }
}
