import type { PlacedWord, Range } from '../source/mask'
import { firstField, hasSeparator, secretsOfFields } from './mask-fields'
import { isAddress, isHostLike, isName, looksLikePort, secretsOfPath } from './mask-words'

/** A transport of Postfix before a server (`smtp:[host]:587`) or an error (`error:5.1.1`). */
const TRANSPORT =
  /^(?:smtps?|relay|lmtp|local|virtual|pipe|error|retry|discard):(?=$|\[|\d\.\d\.\d$|[a-z-]+(?:\.[a-z-]+)+(?::\w{1,11})?$|(?:[\da-f]*:){2,}[\da-f.:]*$)/i
const SCHEME = /^(?:smtps?|submissions?|lmtp|https?):\/\//i
/** A table or a socket, as Postfix and Exim name it, before its path. */
const TABLE = /^(?:lmtp:unix|unix|hash|lmdb|btree|texthash|cdb|regexp|pcre|file|lsearch):(?=\/)/i

/**
 * What to mask of a word that stands where a server is written: the password between its first `:` and the last `@` that follows,
 * in the word or, since a password with a blank in it makes two words, in the words after it. Where the fields are separated by
 * other signs, all that is neither host nor port.
 *
 * @param later the words after it that may belong to a password
 */
export function secretsOfTarget(word: PlacedWord, later: readonly PlacedWord[] = []): readonly Range[] {
  const table = TABLE.exec(word.text)?.[0].length ?? 0
  if (table > 0) return secretsOfPath(withoutStart(word, table))
  const skipped = (SCHEME.exec(word.text) ?? TRANSPORT.exec(word.text))?.[0].length ?? 0
  const server = withoutStart(word, skipped)
  const bracketed = /^\[[^\]@]*\](?::(\w{1,11}))?$/.exec(server.text)
  if (isAddress(server.text) || (bracketed !== null && looksLikePort(bracketed[1] ?? '25'))) return []
  const at = server.text.lastIndexOf('@')
  const hasCredentials = at !== -1 && !hasSeparator(server.text.slice(at + 1))
  const isSplit = /[^:]::[^:]/.test(server.text) || isHostLike(firstField(server.text))
  if (hasCredentials && !isSplit) return secretsOfCredentials(server, at, later)
  const fields = secretsOfFields(server)
  return fields.length > 0 || at !== -1 ? fields : secretsAfterColon(server, later)
}

function withoutStart({ text, start, end }: PlacedWord, length: number): PlacedWord {
  return { text: text.slice(length), start: start + length, end }
}

/** `user:password@host`, and what was meant so. */
function secretsOfCredentials(word: PlacedWord, at: number, later: readonly PlacedWord[]): readonly Range[] {
  const { text, start } = word
  const colon = text.indexOf(':')
  if (colon !== -1 && colon < at)
    return [{ start: start + colon + 1, end: Math.max(start + at, lastAtOf(later)) }]
  // A user without a password, unless it is a password without a user.
  const user = text.slice(0, at)
  const [name = '', domain] = user.split(/@(?=[^@]*$)/)
  const isUser = user === '' || (isName(name) && (domain === undefined || isHostLike(domain)))
  return [
    ...(isUser ? [] : [{ start, end: start + at }]),
    ...(colon === -1 ? [] : secretsAfterColon(word, later)),
  ]
}

/** What follows the first `:`, if it is not a port. */
function secretsAfterColon({ text, start, end }: PlacedWord, later: readonly PlacedWord[]): readonly Range[] {
  const colon = text.indexOf(':')
  if (colon === -1 || looksLikePort(text.slice(colon + 1))) return []
  // `smtp.example.com:587:fred:...`
  const [shown = ''] = /^[^:]*:\d{1,5}(?=:)/.exec(text) ?? []
  const from = start + (isHostLike(shown) ? shown.length : colon) + 1
  const lastAt = lastAtOf(later)
  return [{ start: from, end: lastAt > from ? lastAt : Math.max(end, ...later.map((next) => next.end)) }]
}

/** The place of the last `@` of these words in the line, or -1. */
function lastAtOf(words: readonly PlacedWord[]): number {
  return Math.max(
    -1,
    ...words.map(({ text, start }) => (text.includes('@') ? start + text.lastIndexOf('@') : -1)),
  )
}
