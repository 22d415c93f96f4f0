import { isIP } from 'node:net'
import { placeWords, type PlacedWord, type Range } from '../source/mask'
import type { LineKind } from '../source/line'
import { nearest } from '../source/suggest'
import { KEYS, knownKey, SECTION_NAMES, type KeyedSection } from './keys'
import { hasSeparator } from './mask-fields'
import { secretsOfTarget } from './mask-target'
import {
  isAddress,
  isHostLike,
  isName,
  isOpenField,
  isPlainWord,
  looksLikePort,
  SECRETIVE,
  secretsOfPath,
  secretsOfUrl,
} from './mask-words'

type SettingKind = KeyedSection | 'unknown'

/** Sections of which some value is a secret. */
const hasSecrets = (section: SettingKind) => section === 'relay' || section === 'redis'

/** Is the value of this key not a secret? The key is a known one, or a misspelling of one. */
function isPlainKey(section: SettingKind, key: string): section is KeyedSection {
  if (SECRETIVE.test(key) || section === 'unknown') return false
  const known = knownKey(section, key)
  return (hasSecrets(section) ? known : (known ?? nearest(key, KEYS[section]))) !== undefined
}

/** What to mask of a value although the key names a secret: the name of a variable or a file is not one. */
function secretsOfSecretive(key: string, value: PlacedWord): readonly Range[] {
  if (key.endsWith('_file') || key === 'tls_key') return secretsOfPath(value)
  if (key === 'oauth2_token_url') return secretsOfUrl(value)
  const [, variable = ''] = /^\$?\{?(\w+)\}?$/.exec(value.text) ?? []
  const isVariable = key.endsWith('_env') && variable.split(/_+/).every((part) => part === '' || isName(part))
  return isVariable && variable !== '' ? [] : [value]
}

/** What to mask of a `key = value` line, or of one that should have been. */
export function secretsOfSetting(line: string, section: SettingKind): readonly Range[] {
  const [, lead = '', key = '', gap = ''] = /^(\s*)([^\s=:]*)([\s=:]*)/.exec(line) ?? []
  const valueStart = lead.length + key.length + gap.length
  const words = placeWords(line, valueStart)
  const end = line.trimEnd().length
  const known = section === 'unknown' ? undefined : knownKey(section, key)
  // A word that is only nearly a key may be a password that is nearly "password".
  if (!gap.includes('=') && known === undefined) return [{ start: lead.length, end }]
  if (section !== 'unknown' && SECRETIVE.test(key)) {
    // A password may have blanks and `;` in it.
    const whole = { text: line.slice(valueStart, end), start: valueStart, end }
    return secretsOfSecretive(known ?? key, whole)
  }
  if (!isPlainKey(section, key)) return words.filter(({ text }) => !isHostLike(text) && !IS_SWITCH.test(text))
  return hasSecrets(section) && isServerKey(known ?? key) ? secretsOfServer(words) : secretsOfList(words)
}

const IS_SWITCH = /^(?:yes|no|true|false|on|off)$/i

/** Keys of which the value is a word or an address, and so may stand beside others. */
const isServerKey = (key: string) => /^(?:host|url|user|username)$/.test(key)

/** Of `host`: one word. Of several each may be a password. */
function secretsOfServer(words: readonly PlacedWord[]): readonly Range[] {
  const [first, ...rest] = words
  if (first === undefined) return []
  const others = rest.length === 0 ? [] : words.filter(({ text }) => !isOpenField(text))
  return [...secretsOfTarget(first, rest), ...others]
}

const secretsOfList = (words: readonly PlacedWord[]) =>
  words.filter((word, index) => !isListed(word, words[index - 1]?.text))

/** A word of a list of addresses, or a plain value. */
function isListed(word: PlacedWord, before: string | undefined): boolean {
  const { text } = word
  if (isPlainWord(text)) return true
  if (before !== undefined && !before.endsWith(',') && !text.startsWith(',') && isIP(text) === 0) return false
  return text.split(',').every((part) => isPlainPart(part))
}

/** One server, network or word between commas. */
function isPlainPart(part: string): boolean {
  if (/^(?:tls:\/\/)?[[\]0-9a-f.:]+(?:%[a-z]+\d*)?(?:\/\d+|#[\w.-]*)?$/i.test(part)) return true
  return part === '' || isPlainWord(part) || isHostLike(part) || isAddress(part)
}

/** What to mask of a line of `[attempts]`: all but the pattern, numbers and plain words. */
export function secretsOfAttempts(line: string): readonly Range[] {
  const [first, ...rest] = placeWords(line)
  const isNamed = (text: string) => {
    const name = /^([a-z]+)=\w{0,4}$/i.exec(text)?.[1]
    return name !== undefined && nearest(name, ['direct', 'relay']) !== undefined
  }
  const isWord = ({ text }: PlacedWord) =>
    /^[a-z]+$/i.test(text) && nearest(text, ['direct', 'relay']) === undefined
  const isForeign = ({ text }: PlacedWord) => isHostLike(text) || text.includes('@') || hasSeparator(text)
  const hasOneWord =
    rest.filter(isWord).length < 2 && !rest.some(isForeign) && !hasSeparator(first?.text.slice(-1) ?? '')
  const isPlain = (word: PlacedWord) =>
    word.text === '=' ||
    isNamed(word.text) ||
    (isPlainWord(word.text.replace(/^=|=$/, '')) && (hasOneWord || !isWord(word)))
  if (first === undefined) return []
  const isPattern = /[*?[]/.test(first.text) || isHostLike(first.text)
  const isMisplaced = !isPattern && rest.some(({ text }) => isHostLike(text))
  return [
    ...secretsOfTarget(first),
    ...(isMisplaced ? [first] : []),
    ...rest.filter((word) => !isPlain(word)),
  ]
}

/** The header of a section that is not closed, and holds nothing but its name. */
const PLAIN_HEADER = new RegExp(
  `^\\s*\\[\\s*(?:${SECTION_NAMES.map((name) => name.replace(/:\w+$/, '\\s*:[ \\t]*[\\w.-]*')).join('|')})\\s*$`,
  'i',
)

/** A header names a section; `[relay:fred:password@host]` was meant as something else. */
function secretsOfHeader(line: string): readonly Range[] {
  const end = line.trimEnd().length
  const open = line.indexOf('[')
  const close = line.indexOf(']')
  // Nothing is shown of a bracket that is not closed.
  if (close === -1) return PLAIN_HEADER.test(line) ? [] : [{ start: open + 1, end }]
  const inside = line.slice(open + 1, close)
  const colon = inside.indexOf(':')
  const isPlain = isIP(inside) !== 0 || !/[@:|;,/\\=]/.test(inside.slice(colon + 1))
  if (!isPlain) return [{ start: open + 1 + colon + 1, end }]
  const port = /^:\w{1,11}(?=\s|$)/.exec(line.slice(close + 1))?.[0] ?? ''
  const after = close + 1 + (looksLikePort(port.slice(1)) ? port.length : 0)
  const [first, ...rest] = placeWords(line, after)
  if (first === undefined) return []
  // `[smtp.example.com]:587 user:password`, a line of Postfix's.
  return first.text.includes(':') ? [...secretsOfTarget(first, rest), ...rest] : [{ start: first.start, end }]
}

/** What to mask of a line that this folder reads. */
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
