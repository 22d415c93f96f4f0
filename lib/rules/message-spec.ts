import type { MxAnswer } from '../model/dns-answer'
import type { FullKnowledge } from './knowledge'
import { normalizeDomain } from './domain-pattern'
import { NO_ADDRESS, parseMxText } from './mx-spec'
import { BLANK_MESSAGE, type Message } from '../model/message'
import { ATTRIBUTE_NAMES, MESSAGE_ATTRIBUTES, setAttribute } from '../model/message-attributes'

/** A message as it is written in a list or in `[tests]`, with the MX answer if that is written too. */
export interface WrittenMessage {
  readonly message: Message
  readonly mx?: MxAnswer
}

/** A word that cannot be read: which (offset in its text), and why. */
export interface WordFault {
  readonly word: string
  readonly message: string
}

/** The words of a message as it is written: a value in quotes may hold blanks. */
export function splitWords(text: string): string[] {
  return text.match(/[^\s=]+="[^"]*"|\S+/g) ?? []
}

/** An address without its angle brackets; empty for the null sender `<>`. */
export function stripBrackets(address: string): string {
  const text = address.trim()
  return text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text
}

/** The keys that may stand after a recipient, in the order in which they are explained. */
export const MESSAGE_KEYS: readonly string[] = [
  ...ATTRIBUTE_NAMES.map((name) => MESSAGE_ATTRIBUTES[name].key),
  'mx',
]

/** The domain to which mail for an address or a bare domain goes, or undefined. */
export function domainOf(recipient: string): string | undefined {
  const text = stripBrackets(recipient)
  return normalizeDomain(text.slice(text.lastIndexOf('@') + 1))
}

/** The MX answer where none is written: the domain has one, of its own name. So nothing needs to be looked up. */
export function assumedMx(domain: string): MxAnswer {
  const records = [{ priority: 10, exchange: `mx.${domain}` }]
  return { kind: 'mx', records, how: 'fresh', server: 'given', ttlSeconds: 0 }
}

/** What a written MX answer says: a domain that is said not to exist has no address either. */
export function knowledgeOf(mx: MxAnswer): FullKnowledge {
  return { mx, addresses: NO_ADDRESS }
}

/**
 * Reads `SENDER RECIPIENT [retries=N] [size=N] [auth=USER] [age=TIME] [reply="TEXT"] [failed=STEP] [mx=PRIO:HOST,...]`, cut into
 * words by {@link splitWords}. SENDER is `<>` for the null sender.
 */
export function readMessage(
  sender: string,
  recipient: string,
  words: readonly string[],
): WrittenMessage | WordFault {
  const domain = domainOf(recipient)
  if (domain === undefined) return { word: recipient, message: `"${recipient}" is not a recipient` }
  let written: WrittenMessage = {
    message: {
      ...BLANK_MESSAGE,
      domain,
      mailFrom: stripBrackets(sender),
      rcptTo: [stripBrackets(recipient)],
    },
  }
  const seen = new Set<string>()
  for (const word of words) {
    const [key = '', value = ''] = splitOnce(word)
    if (seen.has(key)) return { word, message: `${key}= is given twice` }
    seen.add(key)
    const next = addWord(written, word, key, value)
    if ('word' in next) return next
    written = next
  }
  return written
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=')
  return at === -1 ? [word, ''] : [word.slice(0, at).toLowerCase(), word.slice(at + 1)]
}

function addWord(
  written: WrittenMessage,
  word: string,
  key: string,
  value: string,
): WrittenMessage | WordFault {
  if (key === 'mx') {
    const parsed = parseMxText(value)
    return 'error' in parsed ? { word, message: `mx: ${parsed.error}` } : { ...written, mx: parsed.answer }
  }
  const name = ATTRIBUTE_NAMES.find((each) => MESSAGE_ATTRIBUTES[each].key === key)
  if (name === undefined) {
    return { word, message: `"${word}" is not one of ${MESSAGE_KEYS.map((each) => `${each}=`).join(', ')}` }
  }
  const message = setAttribute(written.message, name, value.replace(/^"(.*)"$/s, '$1'))
  if (message !== undefined) return { ...written, message }
  return { word, message: `${key} takes ${MESSAGE_ATTRIBUTES[name].takes}, not "${value}"` }
}
