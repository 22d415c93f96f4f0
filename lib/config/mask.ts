import { isIP } from 'node:net'
import type { LineKind } from '../source/line'
import { KEYS, knownKey, type KeyedSection } from './keys'
import { nearest } from '../source/suggest'

/*
 * What of a line may be shown. A diagnostic is printed and logged, so a password must not be in it, even (above all) on a line
 * that is malformed just around its password. When in doubt, it is hidden.
 *
 * Hidden characters become `*` one by one: the columns of a diagnostic are those of the file, and a shorter mask would give
 * the length away all the same, as the difference between the two.
 */

const QUALIFIERS = [
  'retries',
  'size',
  'authsender',
  'from',
  'dnsmx',
  'dnsmxall',
  'priority',
  'end',
  'adddns',
  'direct',
] as const
const WITH_COLON = ['dnsmx', 'dnsmxall', 'priority'] as const

/**
 * Is this word a condition or an option, or one that is misspelt or lacks its `$`? A `$` by itself proves nothing: a user name
 * or a password may begin with it.
 */
function isQualifier(word: string): boolean {
  const match = /^(\$?)([a-z_]+)(?:([=<>!~⇐]|:)(.*))?$/i.exec(word)
  if (match === null) return false
  const [, dollar, name = '', operator, value = ''] = match
  const exact = QUALIFIERS.some((known) => known === name.toLowerCase())
  if (exact || dollar === '') return exact
  // `$fred:password@host` is a target; only what is nearly an option and no address is taken for one.
  if (operator === ':') return !value.includes('@') && nearest(name, WITH_COLON) !== undefined
  return nearest(name, QUALIFIERS) !== undefined
}

interface Range {
  readonly start: number
  readonly end: number
}

interface Word extends Range {
  readonly text: string
}

function wordsOf(text: string): Word[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
}

/** Is what follows a `:` a port and not a password? */
const isPort = (text: string) => /^\d{1,5}$/.test(text)

/**
 * The password of one word: what is between its first `:` and the last `@` that follows, in the word or, since a password with
 * a blank in it makes two words, in the rest of the line; all before the `@` if there is no `:`.
 */
function secretOfWord(line: string, word: Word): Range | undefined {
  const scheme = /^(?:smtps?|submissions?|lmtp|https?):\/\//i.exec(word.text)?.[0].length ?? 0
  const text = word.text.slice(scheme)
  const start = word.start + scheme
  const at = text.lastIndexOf('@')
  const bracket = /^\[[^\]@]*\](:\d{1,5})?$/.test(text)
  if (bracket || isIP(text) !== 0) return undefined
  const colon = text.indexOf(':')
  if (colon === -1) return at > 0 ? { start, end: start + at } : undefined
  if (at > colon) {
    const lastAt = lastAtOutsideQualifiers(line, word)
    return { start: start + colon + 1, end: Math.max(start + at, lastAt) }
  }
  if (isPort(text.slice(colon + 1))) return at > 0 ? { start, end: start + at } : undefined
  const lastAt = line.lastIndexOf('@')
  return { start: start + colon + 1, end: lastAt > start + colon ? lastAt : line.trimEnd().length }
}

/** A password with both a blank and an `@` in it goes on in later words; the `@` of `$from=a@b` is none of its. */
function lastAtOutsideQualifiers(line: string, from: Word): number {
  const later = wordsOf(line).filter((word) => word.start >= from.end && !isQualifier(word.text))
  return later.reduce((last, word) => {
    const at = word.text.lastIndexOf('@')
    return at === -1 ? last : Math.max(last, word.start + at)
  }, -1)
}

/** Does the key name a secret? Then its value is hidden even where the key is known. */
const SECRETIVE = /pass|secret|pwd|token|key$/i

/** `password=...` among override lines. */
function behindEquals({ text, start, end }: Word): Range | undefined {
  const at = text.indexOf('=')
  return at === -1 ? undefined : { start: start + at + 1, end }
}

/** An override line: the password of the target, and whatever stands where only qualifiers may. */
function secretsOfOverride(line: string): Range[] {
  const words = wordsOf(line)
  const [first, target, ...rest] = words
  if (first === undefined) return []
  if (first.text.startsWith('=')) return [{ start: first.start + 1, end: line.length }]
  // One word by itself that is no domain may be the second half of a line that was cut in two.
  if (target === undefined && !/[.*?[@:]/.test(first.text)) return [first]
  if (target !== undefined && SECRETIVE.test(first.text) && /^[a-z_]+:?$/i.test(first.text)) {
    return [{ start: target.start, end: line.trimEnd().length }]
  }
  const ranges = words.slice(0, 2).flatMap((word) => {
    if (word.text.startsWith('$') && isQualifier(word.text)) return []
    return secretOfWord(line, word) ?? behindEquals(word) ?? []
  })
  const stray = rest.filter((word) => word.text !== '$' && !isQualifier(word.text))
  const lastAt = Math.max(...stray.map((word) => word.start + word.text.lastIndexOf('@')))
  if (target !== undefined && stray.some(({ text }) => text.includes('@'))) {
    ranges.push({ start: target.start, end: lastAt })
  }
  const shownSign = (word: Word) =>
    /^[;#]/.test(word.text) ? { start: word.start + 1, end: word.end } : word
  return [...ranges, ...stray.map(shownSign)]
}

/** `direct=2` or nearly so. */
const isAttempts = (word: string) => {
  const name = /^([a-z]+)=\w{0,4}$/i.exec(word)?.[1]
  return name !== undefined && nearest(name, ['direct', 'relay']) !== undefined
}

function secretsOfAttempts(line: string): Range[] {
  const [first, ...rest] = wordsOf(line)
  const pattern = first === undefined ? undefined : secretOfWord(line, first)
  return [...(pattern === undefined ? [] : [pattern]), ...rest.filter(({ text }) => !isAttempts(text))]
}

const isNamed = (section: KeyedSection | 'unknown', key: string): section is KeyedSection =>
  section !== 'unknown' && (knownKey(section, key) ?? nearest(key, KEYS[section])) !== undefined

/** Keys whose value is no secret: known, or so nearly spelt like one that it is surely meant. */
function isPlainKey(section: KeyedSection | 'unknown', key: string): section is KeyedSection {
  if (SECRETIVE.test(key) || section === 'unknown') return false
  if (section === 'relay' || section === 'redis') return knownKey(section, key) !== undefined
  return isNamed(section, key)
}

/** A `key = value` line, or one that should have been. */
function secretsOfSetting(line: string, section: KeyedSection | 'unknown'): Range[] {
  const end = line.trimEnd().length
  const [, lead = '', key = '', gap = ''] = /^(\s*)([^\s=:]*)([\s=:]*)/.exec(line) ?? []
  const valueStart = lead.length + key.length + gap.length
  const all = { start: valueStart, end }
  if (!gap.includes('=')) {
    // A word that is only nearly a key may be a password that is nearly "password".
    const known = section !== 'unknown' && knownKey(section, key) !== undefined
    return [known ? all : { start: lead.length, end }]
  }
  if (!isPlainKey(section, key)) return [all]
  const words = wordsOf(line.slice(valueStart)).map((word) => ({
    text: word.text,
    start: word.start + valueStart,
    end: word.end + valueStart,
  }))
  if (section === 'relay' || section === 'redis') {
    const [first, ...rest] = words
    const secret = first === undefined ? undefined : secretOfWord(line, first)
    return [...(secret === undefined ? [] : [secret]), ...rest]
  }
  const comment = words.findIndex(({ text }) => text.startsWith(';'))
  const value = comment === -1 ? words : words.slice(0, comment)
  return value.filter(({ text }, index) => !isListed(text, value[index - 1]?.text))
}

/** A word of a list of addresses, or a value of one word. */
function isListed(word: string, before: string | undefined): boolean {
  if (before !== undefined && !before.endsWith(',') && !word.startsWith(',') && isIP(word) === 0) return false
  return word
    .split(',')
    .every((part) => /^(?:tls:\/\/)?[[\]0-9a-f.:]+(?:\/\d+|#[\w.-]*)?$/i.test(part) || !/[@:]/.test(part))
}

const TEST_KEYS = ['retries', 'size', 'auth', 'mx'] as const

/** A line of `[tests]` has no password of its own, but a target may have been pasted into it. */
function secretsOfTestWord(line: string, word: Word): readonly Range[] {
  const [, key, value = ''] = /^([a-z_]+)=(.*)$/is.exec(word.text) ?? []
  if (key !== undefined) {
    const start = word.end - value.length
    const known = nearest(key, TEST_KEYS)
    if (known === undefined) return [{ start, end: word.end }]
    const colon = known === 'mx' && !value.includes('@') ? -1 : value.indexOf(':')
    return colon === -1 ? [] : [{ start: start + colon + 1, end: word.end }]
  }
  if (/^[^@]*:.*@/.test(word.text)) {
    const secret = secretOfWord(line, word)
    return secret === undefined ? [] : [secret]
  }
  // HOST:PORT,HOST:PORT
  return [...word.text.matchAll(/[^,]+/g)].flatMap(({ 0: text, index }) => {
    if (text === ':' || text.includes('@')) return []
    const start = word.start + index
    return secretOfWord(line, { text, start, end: start + text.length }) ?? []
  })
}

const PLAIN_HEADER =
  /^\s*\[\s*(?:overrides|dns|attempts|redis|status|tests|(?:relay|zone)\s*:[ \t]*[\w.-]*)\s*$/i

/** `[relay:fred:password@host]`: nothing but a plain name is shown, and nothing of a bracket that is not closed. */
function secretsOfHeader(line: string): Range[] {
  const end = line.trimEnd().length
  const open = line.indexOf('[')
  const close = line.indexOf(']')
  if (close === -1) return PLAIN_HEADER.test(line) ? [] : [{ start: open + 1, end }]
  const colon = line.slice(0, close).indexOf(':')
  const name = line.slice(colon + 1, close)
  // A domain may have letters of any script.
  const isPlain = /^\s*\[\s*zone\s*:/i.test(line) ? /^[\p{L}\p{M}\p{N}._\s-]*$/u : /^[\w.\s-]*$/
  const start = colon !== -1 && !isPlain.test(name) ? colon + 1 : close + 1
  return start < end ? [{ start, end }] : []
}

function secretsOf(line: string, kind: LineKind): readonly Range[] {
  switch (kind) {
    case 'overrides':
      return secretsOfOverride(line)
    case 'header':
      return secretsOfHeader(line)
    case 'attempts':
      return secretsOfAttempts(line)
    case 'tests':
      return line.includes('->')
        ? wordsOf(line).flatMap((word) => secretsOfTestWord(line, word))
        : secretsOfSetting(line, kind)
    case 'top':
    case 'dns':
    case 'zone':
    case 'relay':
    case 'redis':
    case 'status':
    case 'unknown':
      return secretsOfSetting(line, kind)
    default:
      return kind satisfies never
  }
}

/** The line as it may be shown: of the same length, passwords and control characters replaced. */
export function maskLine(line: string, kind: LineKind): string {
  const parts: string[] = []
  let done = 0
  for (const { start, end } of secretsOf(line, kind).toSorted((a, b) => a.start - b.start)) {
    const begin = Math.max(done, start)
    const stop = Math.min(end, line.length)
    if (stop <= begin) continue
    parts.push(line.slice(done, begin), '*'.repeat(stop - begin))
    done = stop
  }
  const masked = [...parts, line.slice(done)].join('')
  // A control character could move the cursor of the terminal that shows the line, and so could a change of direction.
  return masked.replace(/[^\P{Cc}\t]|[\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
}
