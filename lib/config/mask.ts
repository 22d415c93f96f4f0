import { isIP } from 'node:net'
import { homeOf, KEYS, knownKey, type KeyedSection, type SectionKind } from './keys'
import { nearest } from './suggest'

/**
 * What of a line may be shown. A diagnostic is printed and logged, so a password must not be in it, even (above all) on a line
 * that is malformed just around its password. When in doubt, it is hidden.
 *
 * Hidden characters become `*` one by one: the columns of a diagnostic are those of the file, and a shorter mask would give
 * the length away all the same, as the difference between the two.
 */
export type LineKind = SectionKind | 'header'

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

/**
 * Is this word a condition or an option, or one that is misspelt or lacks its `$`? A `$` by itself proves nothing: a user name
 * or a password may begin with it.
 */
function isQualifier(word: string): boolean {
  const name = /^(\$?)([a-z_]+)([=<>!~:⇐].*)?$/i.exec(word)
  if (name === null) return false
  const meant = nearest(name[2] ?? '', QUALIFIERS)
  return name[1] === '$' ? meant !== undefined : meant === name[2]?.toLowerCase()
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
  const scheme = /^[a-z]+:\/\//i.exec(word.text)?.[0].length ?? 0
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

/** An override line: the password of the target, and whatever stands where only qualifiers may. */
function secretsOfOverride(line: string): Range[] {
  const words = wordsOf(line)
  const ranges = words.slice(0, 2).flatMap((word) => {
    if (word.text.startsWith('$') && isQualifier(word.text)) return []
    return secretOfWord(line, word) ?? []
  })
  const stray = words
    .slice(2)
    .filter((word) => word.text !== '$' && !isQualifier(word.text))
    .map((word) => (/^[;#]/.test(word.text) ? { start: word.start + 1, end: word.end } : word))
  return [...ranges, ...stray]
}

const SECRETIVE = /pass|secret|pwd|token|key$/i

/** Keys whose value is no secret whatever it says: known, or so nearly spelt like one that it is surely meant. */
function isPlainKey(section: KeyedSection | 'unknown', key: string): boolean {
  if (SECRETIVE.test(key) || section === 'unknown') return false
  if (knownKey(section, key) !== undefined) return true
  if (section === 'relay' || section === 'redis') return false
  const meant = nearest(key, KEYS[section]) ?? homeOf(key)
  return meant !== undefined && homeOf(meant) !== 'relay' && homeOf(meant) !== 'redis'
}

/** A `key = value` line, or one that should have been. */
function secretsOfSetting(line: string, section: KeyedSection | 'unknown'): Range[] {
  const end = line.trimEnd().length
  const [, lead = '', key = '', gap = ''] = /^(\s*)([^\s=:]*)([\s=:]*)/.exec(line) ?? []
  const valueStart = lead.length + key.length + gap.length
  if (valueStart >= end && (section === 'unknown' || isPlainKey(section, key) || SECRETIVE.test(key)))
    return []
  if (!gap.includes('=')) {
    if (section !== 'relay' && section !== 'redis' && section !== 'unknown' && isPlainKey(section, key)) {
      return secretsOfOverride(line)
    }
    const shown = section !== 'unknown' && (knownKey(section, key) !== undefined || SECRETIVE.test(key))
    return [{ start: shown ? valueStart : lead.length, end }]
  }
  if (!isPlainKey(section, key)) return [{ start: valueStart, end }]
  if (section !== 'relay' && section !== 'redis') {
    const at = line.lastIndexOf('@')
    return at > valueStart ? [{ start: valueStart, end: at }] : []
  }
  return wordsOf(line)
    .filter((word) => word.end > valueStart)
    .map((word) => ({
      text: line.slice(Math.max(word.start, valueStart), word.end),
      start: Math.max(word.start, valueStart),
      end: word.end,
    }))
    .flatMap((word) => secretOfWord(line, word) ?? [])
}

/** `[relay:fred:password@host]`: nothing but a plain name is shown. */
function secretsOfHeader(line: string): Range[] {
  const colon = line.indexOf(':')
  const odd = line.slice(colon + 1).search(/[:@\s]/)
  if (colon === -1 || odd === -1) return []
  const name = /^\s*\[[^\]:]*:[\w.-]*\]/.exec(line)
  const start = name === null ? colon + 1 : name[0].length
  const end = line.trimEnd().length
  return start < end ? [{ start, end }] : []
}

function secretsOf(line: string, kind: LineKind): readonly Range[] {
  switch (kind) {
    case 'overrides':
      return secretsOfOverride(line)
    case 'header':
      return secretsOfHeader(line)
    case 'attempts':
    case 'tests':
      return wordsOf(line)
        .filter((word) => /^[^@]*:.*@/.test(word.text))
        .flatMap((word) => secretOfWord(line, word) ?? [])
    case 'top':
    case 'dns':
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
  let masked = line
  for (const { start, end } of secretsOf(line, kind)) {
    const length = Math.max(0, end - start)
    masked = masked.slice(0, start) + '*'.repeat(length) + masked.slice(start + length)
  }
  // A control character could move the cursor of the terminal that shows the line, and so could a change of direction.
  return masked.replace(/[^\P{Cc}\t]|[\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
}
