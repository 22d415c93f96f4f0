import { knownKey, SECTION_NAMES } from '../config/keys'
import { secretsOfAttempts, secretsOfLine, secretsOfSetting } from '../config/mask'
import { secretsOfTarget } from '../config/mask-target'
import { hasSeparator } from '../config/mask-fields'
import { isHostLike, isName, isOpenField, SECRETIVE } from '../config/mask-words'
import { maskRanges, placeWords, type PlacedWord, type Range } from '../source/mask'
import type { LineKind } from '../source/line'
import { nearest } from '../source/suggest'
import { CONDITIONS } from './conditions'
import { MESSAGE_KEYS } from './message-spec'
import { OPTIONS } from './options'
import { isHarmless, isPlainStray, isUnknownCondition } from './plain-strays'

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
function secretsAfterEquals(word: PlacedWord): readonly Range[] {
  const at = word.text.indexOf('=')
  return at === -1 || isPlainStray(word) ? [] : [{ start: word.start + at + 1, end: word.end }]
}

/** `* direct = 2 relay = 3`, which belongs in [attempts]. */
export const isAttemptsLine = (text: string) => /\sdirect\s*=/i.test(text) && /\srelay\s*=/i.test(text)

/** Is it the name of anything that may stand in the file? */
const isKnownName = (text: string) =>
  QUALIFIERS.includes(text.toLowerCase()) || SECTION_NAMES.some((name) => name === text.toLowerCase())

/** What to mask of an override line: the password of the target, and what stands where only qualifiers may. */
function secretsOfOverride(line: string): readonly Range[] {
  const [first, ...others] = placeWords(line)
  if (first === undefined) return []
  if (first.text.startsWith('=')) return [{ start: first.start + 1, end: line.length }]
  if (isAttemptsLine(line)) return secretsOfAttempts(line)
  const hasSign = others[0] !== undefined && isSign(others[0]) && /[.*?]/.test(first.text)
  const [target, ...rest] = hasSign ? others.slice(1) : others
  // One word by itself that is not a domain may be the second half of a line that was cut in two.
  if (target === undefined && !/[.*?[@:]/.test(first.text)) return isKnownName(first.text) ? [] : [first]
  if (target !== undefined && SECRETIVE.test(first.text) && /^[a-z_]+:?$/i.test(first.text)) {
    return [{ start: target.start, end: line.trimEnd().length }]
  }
  return target === undefined ? secretsOfPlace(first, []) : secretsOfWords({ line, first, target, rest })
}

/** A domain or a target, or what stands there instead. */
function secretsOfPlace(word: PlacedWord, later: readonly PlacedWord[]): readonly Range[] {
  if (word.text.startsWith('$') && isQualifier(word)) return []
  const secrets = secretsOfTarget(word, later)
  return secrets.length > 0 ? secrets : secretsAfterEquals(word)
}

/** The words of an override line. */
interface OverrideWords {
  readonly line: string
  readonly first: PlacedWord
  readonly target: PlacedWord
  readonly rest: readonly PlacedWord[]
}

function secretsOfWords({ line, first, target, rest }: OverrideWords): readonly Range[] {
  const open = new Set(
    rest.filter((word, index) => isQualifier(word) || isConditionPart([target, ...rest], index + 1)),
  )
  const strays = rest.filter((word) => !open.has(word) && !isPlainStray(word))
  const later = rest.filter((word) => !open.has(word))
  const ofFirst = secretsOfPlace(first, [target, ...later])
  const ofTarget = secretsOfPlace(target, later)
  const ofWords = [...ofFirst, ...ofTarget]
  const isDomain = /^[^@]*[*?:[$][^@]*$/.test(first.text) || isHostLike(first.text)
  const isCut =
    hasSeparator(first.text.slice(-1)) ||
    (!isDomain && strays.length > 0 && !strays.every(isUnknownCondition))
  if (!isCut && hasHarmlessStrays({ line, target, strays })) return ofWords
  // Not an override line: everything is masked but hosts and words of the language.
  const masked = [...(isDomain ? [] : [first]), target, ...strays].filter((word) => !isOpenWord(word))
  const lastAts = strays.flatMap(({ text, start }) =>
    text.includes('@') ? [start + text.lastIndexOf('@')] : [],
  )
  return [...ofWords, ...masked, { start: target.start, end: Math.max(0, ...lastAts) }]
}

const isOpenWord = (word: PlacedWord) =>
  isOpenField(word.text.replace(/[,;]$/, '')) ||
  isPlainStray(word) ||
  /^(?:@[a-z][\w-]*|error:[\d.]+)$/i.test(word.text)

/** Are the words after the target such that what is before them is a target? */
function hasHarmlessStrays({
  line,
  target,
  strays,
}: Omit<OverrideWords, 'first' | 'rest'> & { readonly strays: readonly PlacedWord[] }): boolean {
  const [stray] = strays
  if (stray === undefined) return true
  if (strays.length === 1) {
    // `smtp.example.net @isp`: the name of a relay, after a target that is a plain name.
    if (/^@[a-z][\w-]*$/i.test(stray.text)) return /^[a-z.-]+$/.test(target.text)
    // A no-break space and its like are a part of a word.
    const isGlued = /[^ \t]/.test(line[stray.start - 1] ?? '')
    if (isGlued && (stray.text.startsWith('.') || stray.text.length === 1 || target.text.length === 1))
      return true
  }
  const isWhole = WHOLE_TARGET.test(target.text) || isHostLike(target.text)
  if (strays.every(isUnknownCondition)) return isWhole || isName(target.text) || /^[^:]*@/.test(target.text)
  return isWhole && strays.every((word) => isHarmless(word, strays))
}

/** A named target, an option in its place, or a word of the language. */
const WHOLE_TARGET = /^(?:@[a-z][\w.-]*|\$[a-z]+|via|use|to)$/i

/** Of `$from = joe@example.com`: what follows the name of a known text attribute. */
function isConditionPart(words: readonly PlacedWord[], index: number): boolean {
  const isOperator = (word: PlacedWord | undefined) => word !== undefined && /^[=<>!~⇐]{1,2}$/.test(word.text)
  const isAttribute = (word: PlacedWord | undefined) =>
    word !== undefined && /^\$[a-z]+$/i.test(word.text) && isQualifier(word)
  const isValue =
    isOperator(words[index - 1]) && isAttribute(words[index - 2]) && !words[index]!.text.includes(':')
  return isValue || (isOperator(words[index]) && isAttribute(words[index - 1]))
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
  if (/^[^@]*:.*@/.test(word.text)) return secretsOfTarget(word, later)
  // HOST:PORT,HOST:PORT
  return [...word.text.matchAll(/[^,]+/g)].flatMap(({ 0: text, index }) => {
    if (text === ':' || text.includes('@')) return []
    const start = word.start + index
    return secretsOfTarget({ text, start, end: start + text.length }, later)
  })
}

/** The line with what stands in quotes, which may be of many words, as one word of the same length. */
const withoutQuoted = (line: string) =>
  line.replace(/="[^"]*"/g, (value) => `=${''.padEnd(value.length - 1, '_')}`)

/** `gmail.com = smtp.example.net` before the first header was meant as an override line. */
function isMeantAsOverride(line: string): boolean {
  const key = /^\s*([^\s=:]*)/.exec(line)?.[1] ?? ''
  return (/[.*?]/.test(key) || /^\s*[^\s=]+\s*=>/.test(line)) && knownKey('top', key) === undefined
}

function secretsOf(line: string, kind: LineKind): readonly Range[] {
  if (kind === 'overrides' || (kind === 'top' && isMeantAsOverride(line))) return secretsOfOverride(line)
  if (kind !== 'tests') return secretsOfLine(line, kind)
  if (!line.includes('->')) return secretsOfSetting(line, kind)
  return placeWords(line).flatMap((word) => secretsOfTestWord(line, word))
}

/** Where the comment of a line begins; its length if it has none. */
function findComment(line: string, kind: LineKind): number {
  const hasHash = kind === 'overrides' || kind === 'top' || kind === 'header'
  const found = line.search(hasHash ? /(?<=\S\s+)[;#]/ : /(?<=\S\s+);/)
  return found === -1 ? line.length : found
}

/**
 * The line as it may be displayed: of the same length, with passwords and what is unprintable replaced. Of a comment only the
 * sign is left: anything may be in it.
 */
export function maskLine(line: string, kind: LineKind): string {
  const shape = kind === 'tests' ? withoutQuoted(line) : line
  const start = findComment(shape, kind)
  // An `@` in it may be the end of a password with white space and `;` in it.
  const isCode = shape.includes('@', start)
  const masked = maskRanges(line, secretsOf(isCode ? shape : shape.slice(0, start), kind))
  const comment = line.slice(start)
  return isCode || comment === '' ? masked : `${masked.slice(0, start)}${blankOf(comment)}`
}

/** The sign of a comment, and that there is more. */
const blankOf = (comment: string) => `${comment[0]} ...`.slice(0, comment.length).padEnd(comment.length)
