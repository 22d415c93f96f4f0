import { formatDuration, parseDuration } from './duration'
import { FAILED_STEPS, type Message } from './message'
import { shortenTo } from './printable'
import { LONGEST_REPLY } from './reply'
import { parseSize } from './size'

/** An attribute of a message that people write down, beside its sender and its recipients. */
export type AttributeName = Exclude<keyof Message, 'domain' | 'mailFrom' | 'rcptTo' | 'rotationOffset'>

/** How one attribute is written. */
export interface MessageAttribute<T> {
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

/** Every attribute that can be written, in the order in which help lists them. */
export const MESSAGE_ATTRIBUTES: { readonly [F in AttributeName]: MessageAttribute<Message[F]> } = {
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

/** The names of {@link MESSAGE_ATTRIBUTES}, in their order. */
export const ATTRIBUTE_NAMES = Object.keys(MESSAGE_ATTRIBUTES) as readonly AttributeName[]

/** The message with one attribute as it is written; undefined if the text cannot be read. */
export function setAttribute<F extends AttributeName>(
  message: Message,
  name: F,
  text: string,
): Message | undefined {
  const value = MESSAGE_ATTRIBUTES[name].parse(text)
  return value === undefined ? undefined : { ...message, [name]: value }
}

/**
 * The message with all attributes that are written.
 *
 * @param textOf what is written of an attribute; undefined: it stays as it is
 * @param complain makes the error that is thrown for a text that cannot be read
 */
export function setAttributes(
  message: Message,
  textOf: (name: AttributeName) => string | undefined,
  complain: (name: AttributeName, text: string) => Error,
): Message {
  return ATTRIBUTE_NAMES.reduce((before, name) => {
    const text = textOf(name)
    if (text === undefined) return before
    const after = setAttribute(before, name, text)
    if (after === undefined) throw complain(name, text)
    return after
  }, message)
}

/** One attribute of a message as `KEY=VALUE`. */
export function formatAttribute<F extends AttributeName>(message: Message, name: F): string {
  const { key, format } = MESSAGE_ATTRIBUTES[name]
  return `${key}=${format(message[name])}`
}
