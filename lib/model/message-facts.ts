import { formatDuration, parseDuration } from './duration'
import { FAILED_STEPS, type Message } from './message'
import { shortenTo } from './printable'
import { LONGEST_REPLY } from './reply'
import { parseSize } from './size'

/** A fact of a message that people write down, beside its sender and its recipients. */
export type FactName = Exclude<keyof Message, 'domain' | 'mailFrom' | 'rcptTo' | 'rotationOffset'>

/** How one fact is written. */
export interface MessageFact<T> {
  /** `KEY=VALUE` in `[tests]`, in a list of `diff`, and in a link to the status page. */
  readonly key: string
  /** The option of `explain`, without its hyphens. */
  readonly option: string
  /** What it takes, for messages: `a number`. */
  readonly takes: string
  /** Undefined for a text that says nothing of the kind. */
  readonly parse: (text: string) => T | undefined
  /** The value as it stands after `KEY=`. */
  readonly format: (value: T) => string
}

/** Every fact that can be written, in the order in which help lists them. */
export const MESSAGE_FACTS: { readonly [F in FactName]: MessageFact<Message[F]> } = {
  retries: {
    key: 'retries',
    option: 'retries',
    takes: 'a number',
    parse: (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined),
    format: String,
  },
  size: {
    key: 'size',
    option: 'size',
    takes: 'a number of bytes, for example 5000 or 10M',
    parse: parseSize,
    format: String,
  },
  authSender: {
    key: 'auth',
    option: 'auth-sender',
    takes: 'a user name',
    parse: (text) => text,
    format: (user) => user,
  },
  ageMs: {
    key: 'age',
    option: 'age',
    takes: 'a time, for example 30m, 4h or 2d',
    parse: parseDuration,
    format: formatDuration,
  },
  reply: {
    key: 'reply',
    option: 'reply',
    takes: 'a reply',
    parse: (text) => shortenTo(text, LONGEST_REPLY),
    format: (reply) => `"${reply}"`,
  },
  failed: {
    key: 'failed',
    option: 'failed',
    takes: `one of ${FAILED_STEPS.filter((word) => word !== '').join(', ')}`,
    parse: (text) => FAILED_STEPS.find((word) => word === text.toLowerCase()),
    format: (step) => step,
  },
}

/** The names of {@link MESSAGE_FACTS}, in their order. */
export const FACT_NAMES = Object.keys(MESSAGE_FACTS) as readonly FactName[]

/** The message with one fact as it is written; undefined if the text cannot be read. */
export function setFact<F extends FactName>(message: Message, name: F, text: string): Message | undefined {
  const value = MESSAGE_FACTS[name].parse(text)
  return value === undefined ? undefined : { ...message, [name]: value }
}

/**
 * The message with all facts that are written.
 *
 * @param textOf what is written of a fact; undefined: it stays as it is
 * @param complain makes the error that is thrown for a text that cannot be read
 */
export function setFacts(
  message: Message,
  textOf: (name: FactName) => string | undefined,
  complain: (name: FactName, text: string) => Error,
): Message {
  return FACT_NAMES.reduce((before, name) => {
    const text = textOf(name)
    if (text === undefined) return before
    const after = setFact(before, name, text)
    if (after === undefined) throw complain(name, text)
    return after
  }, message)
}

/** One fact of a message as `KEY=VALUE`. */
export function formatFact<F extends FactName>(message: Message, name: F): string {
  const { key, format } = MESSAGE_FACTS[name]
  return `${key}=${format(message[name])}`
}
