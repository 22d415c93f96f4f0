import { knownKey } from '../config/keys'
import { secretsOfAttempts, secretsOfLine, secretsOfSetting } from '../config/mask'
import { SECRETIVE, secretsOfTarget } from '../config/secret-words'
import { hideRanges, placeWords, type PlacedWord, type Range } from '../source/hide'
import type { LineKind } from '../source/line'
import { nearest } from '../source/suggest'
import { CONDITIONS } from './conditions'
import { MESSAGE_KEYS } from './message-spec'
import { OPTIONS } from './options'

const QUALIFIERS = [...CONDITIONS.keys(), ...OPTIONS, 'direct']
/** Those with `:` after the name. */
const WITH_COLON = [...CONDITIONS.values()].filter(({ form }) => form.includes(':')).map(({ name }) => name)
const KNOWN_WITH_COLON = [...WITH_COLON, 'priority', 'again']

/**
 * Is this word a condition or an option, or one that is misspelt or lacks its `$`? A `$` by itself proves nothing: a user name
 * or a password may begin with it.
 */
function isQualifier({ text }: PlacedWord): boolean {
  const match = /^(\$?)([a-z_]+)(?:([=<>!~⇐]|:)(.*))?$/i.exec(text)
  if (match === null) return false
  const [, dollar, name = '', operator, value = ''] = match
  const exact = QUALIFIERS.includes(name.toLowerCase())
  if (exact || dollar === '') return exact
  // `$fred:password@host` is a target; only what is nearly an option and not an address is taken for one.
  if (operator === ':') return !value.includes('@') && nearest(name, KNOWN_WITH_COLON) !== undefined
  return nearest(name, QUALIFIERS) !== undefined
}

/** Between a domain and its target in other formats. */
const isSign = ({ text }: PlacedWord) => /^(?:[=:]|[=-]>|→)$/.test(text)

/** `password=...` among override lines. */
function secretsAfterEquals({ text, start, end }: PlacedWord): readonly Range[] {
  const at = text.indexOf('=')
  return at === -1 ? [] : [{ start: start + at + 1, end }]
}

/** A word after the target that is not a qualifier: a port, a relay, a word of the language. */
function isPlainStray({ text }: PlacedWord): boolean {
  // Of a condition with white space in it: an operator, perhaps with its number.
  if (/^(?:[=<>!~⇐]{1,2})?(?:\d{1,5}(?:[KMG]B?)?)?$/i.test(text)) return true
  return text === '$' || /^(?:direct|relay|bounce|defer)$/i.test(text)
}

/** `* direct = 2 relay = 3`, which belongs into [attempts]. */
export const isAttemptsLine = (text: string) => /\sdirect\s*=/i.test(text) && /\srelay\s*=/i.test(text)

/** What to hide of an override line: the password of the target, and whatever stands where only qualifiers may. */
function secretsOfOverride(line: string): readonly Range[] {
  const [first, ...others] = placeWords(line)
  if (first === undefined) return []
  if (first.text.startsWith('=')) return [{ start: first.start + 1, end: line.length }]
  if (isAttemptsLine(line)) return secretsOfAttempts(line)
  const hasSign = others[0] !== undefined && isSign(others[0]) && /[.*?]/.test(first.text)
  const [target, ...rest] = hasSign ? others.slice(1) : others
  // One word by itself that is not a domain may be the second half of a line that was cut in two.
  if (target === undefined && !/[.*?[@:]/.test(first.text)) return [first]
  if (target !== undefined && SECRETIVE.test(first.text) && /^[a-z_]+:?$/i.test(first.text)) {
    return [{ start: target.start, end: line.trimEnd().length }]
  }
  const stray = rest.filter((word) => !isQualifier(word) && !isPlainStray(word))
  if (target !== undefined && isSecondTarget(target, stray)) return secretsOfTarget(target, [], line)
  const ranges = [first, ...(target === undefined ? [] : [target])].flatMap((word) => {
    if (word.text.startsWith('$') && isQualifier(word)) return []
    const later = others.filter((other) => other.start > word.start && !isQualifier(other))
    const secrets = secretsOfTarget(word, later, line)
    return secrets.length > 0 ? secrets : secretsAfterEquals(word)
  })
  if (target !== undefined && stray.some(({ text }) => text.includes('@'))) {
    const lastAt = Math.max(...stray.map((word) => word.start + word.text.lastIndexOf('@')))
    ranges.push({ start: target.start, end: lastAt })
  }
  const afterSign = (word: PlacedWord) =>
    /^[;#]/.test(word.text) ? { start: word.start + 1, end: word.end } : word
  return [...ranges, ...stray.map(afterSign)]
}

/** `smtp.example.net @isp`: the name of a relay, after a target that is a plain name. */
function isSecondTarget(target: PlacedWord, stray: readonly PlacedWord[]): boolean {
  const [second] = stray
  return stray.length === 1 && /^@[a-z][\w-]*$/i.test(second?.text ?? '') && /^[a-z.-]+$/.test(target.text)
}

/** A line of `[tests]` has no password of its own, but a target may have been pasted into it. */
function secretsOfTestWord(line: string, word: PlacedWord): readonly Range[] {
  const [, key, value = ''] = /^([a-z_]+)=(.*)$/is.exec(word.text) ?? []
  if (key !== undefined) {
    const start = word.end - value.length
    const known = nearest(key, MESSAGE_KEYS)
    if (known === undefined) return [{ start, end: word.end }]
    const colon = known === 'mx' && !value.includes('@') ? -1 : value.indexOf(':')
    return colon === -1 ? [] : [{ start: start + colon + 1, end: word.end }]
  }
  const later = placeWords(line).filter((other) => other.start > word.start)
  if (/^[^@]*:.*@/.test(word.text)) return secretsOfTarget(word, later, line)
  // HOST:PORT,HOST:PORT
  return [...word.text.matchAll(/[^,]+/g)].flatMap(({ 0: text, index }) => {
    if (text === ':' || text.includes('@')) return []
    const start = word.start + index
    return secretsOfTarget({ text, start, end: start + text.length }, later, line)
  })
}

/** The line with what stands in quotes, which may be of many words, as one word of the same length. */
const withoutQuoted = (line: string) =>
  line.replace(/="[^"]*"/g, (value) => `=${''.padEnd(value.length - 1, '_')}`)

/** `gmail.com = smtp.example.net` before the first header was meant as an override line. */
function isMeantAsOverride(line: string): boolean {
  const key = /^\s*([^\s=:]*)/.exec(line)?.[1] ?? ''
  return /[.*?]/.test(key) && knownKey('top', key) === undefined
}

function secretsOf(line: string, kind: LineKind): readonly Range[] {
  if (kind === 'overrides' || (kind === 'top' && isMeantAsOverride(line))) return secretsOfOverride(line)
  if (kind !== 'tests') return secretsOfLine(line, kind)
  if (!line.includes('->')) return secretsOfSetting(line, kind)
  const shape = withoutQuoted(line)
  return placeWords(shape).flatMap((word) => secretsOfTestWord(shape, word))
}

/** The line as it may be displayed: of the same length, with passwords and what is unprintable replaced. */
export function maskLine(line: string, kind: LineKind): string {
  return hideRanges(line, secretsOf(line, kind))
}
