import { isIP, isIPv6 } from 'node:net'
import type { PlacedWord, Range } from '../source/hide'

/** Does the key name a secret? Then its value is hidden even where the key is known. */
export const SECRETIVE = /pass|secret|pwd|token|key$/i

/** What follows a `:` is a port and not a password. */
const looksLikePort = (text: string) => /^\d{1,5}$/.test(text)
/** An IP address, perhaps one of IPv6 with a port and without brackets. */
const isAddress = (text: string) => isIP(text) !== 0 || isIPv6(text.replace(/:\d{1,5}$/, ''))
/** A host name: several labels of lower-case letters and a few digits. Few passwords look like that. */
const isHostLike = (text: string) =>
  /^[a-z][a-z-]*\d{0,2}(?:\.[a-z][a-z-]*\d{0,2})+(?::\d{1,5})?$/.test(text) || isIP(text) !== 0

/** A word or a number that is not a password: of one case, or a few digits with a unit. */
export const isPlainWord = (text: string) => /^(?:[a-z]{1,16}|[A-Z]{1,16}|\d{1,5}[a-zA-Z%]{0,3})$/.test(text)

/** `ISP_PASSWORD`, as variables of the environment are called. */
export const isVariableName = (text: string) => /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(text)

/** The parts of a path that do not look like names of files; all of it if it is not like a path. */
export function secretsOfPath({ text, start, end }: PlacedWord): readonly Range[] {
  if (!/^[~.]{0,2}\//.test(text) && !/\.[a-z]{2,8}$/.test(text)) return [{ start, end }]
  return [...text.matchAll(/[^/]+/g)].flatMap(({ 0: part, index }) =>
    /^[.~]{0,2}$|^\.?[a-z]+\d{0,2}(?:[._-][a-z]+\d{0,2})*$/.test(part)
      ? []
      : [{ start: start + index, end: start + index + part.length }],
  )
}

/** A transport of Postfix before a server (`smtp:[host]:587`) or an error (`error:5.1.1`). */
const TRANSPORT =
  /^(?:smtps?|relay|lmtp|local|virtual|pipe|error|retry|discard):(?=$|\[|\d\.\d\.\d$|[a-z-]+(?:\.[a-z-]+)+(?::\d{1,5})?$)/i

/**
 * The password in a word that stands where a server is written: what is between its first `:` and the last `@` that follows, in
 * the word or, since a password with a blank in it makes two words, in the words after it; all before the `@` if there is no
 * `:`. And of `host|port|user|password` (also with `;` or `,`) all that is neither host nor port.
 *
 * @param later the words after it that may belong to a password
 * @param line the whole line
 */
export function secretsOfTarget(
  word: PlacedWord,
  later: readonly PlacedWord[],
  line: string,
): readonly Range[] {
  if (/^[^@:]*\|/.test(word.text)) return secretsOfFields(word)
  const secret = secretOfCredentials(word, later, line)
  return [...(secret === undefined ? [] : [secret]), ...secretsOfFields(word)]
}

function secretOfCredentials(
  word: PlacedWord,
  later: readonly PlacedWord[],
  line: string,
): Range | undefined {
  const scheme = /^(?:smtps?|submissions?|lmtp|https?):\/\//i.exec(word.text) ?? TRANSPORT.exec(word.text)
  const skipped = scheme?.[0].length ?? 0
  const text = word.text.slice(skipped)
  const start = word.start + skipped
  if (/^\[[^\]@]*\](?::\d{1,5})?$/.test(text) || isAddress(text)) return undefined
  const at = text.lastIndexOf('@')
  const colon = text.indexOf(':')
  if (colon === -1) return at > 0 ? { start, end: start + at } : undefined
  if (at > colon) {
    const ends = later.map((next) => next.start + next.text.lastIndexOf('@'))
    const laterAts = ends.filter((_, index) => later[index]!.text.includes('@'))
    return { start: start + colon + 1, end: Math.max(start + at, ...laterAts) }
  }
  if (looksLikePort(text.slice(colon + 1))) return at > 0 ? { start, end: start + at } : undefined
  const lastAt = line.lastIndexOf('@')
  return { start: start + colon + 1, end: lastAt > start + colon ? lastAt : line.trimEnd().length }
}

function secretsOfFields({ text, start, end }: PlacedWord): readonly Range[] {
  const fields = [...text.matchAll(/[^|;,]+/g)]
  const separators = text.match(/[|;,]/g)?.length ?? 0
  if (separators === 0 || (separators === 1 && text.includes('@') && !text.includes('|'))) return []
  const first = fields.slice(1).find(({ 0: field }) => !looksLikePort(field) && !isHostLike(field))
  return first === undefined ? [] : [{ start: start + first.index, end }]
}
