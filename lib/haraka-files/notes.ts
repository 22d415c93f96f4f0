import { hash as hashText } from 'node:crypto'
import { isFields, toFields, toWholeNumber } from '../model/foreign-json'
import { shortenTo } from '../model/printable'
import { FAILED_STEPS, type FailedStep } from '../model/message'
import { LONGEST_REPLY } from '../model/reply'

/** One attempt to deliver a message, as it is kept with it. Holds no secret. */
export interface AttemptNote {
  /** When it ended. Milliseconds since the epoch. */
  readonly at: number
  /** What sent the message there: `line 3`, `attempts` or `dns`. */
  readonly by: string
  /** The last server that was asked, as {@link exchangeLabel} calls it; empty if none was. */
  readonly server: string
  /** Was the connection encrypted? */
  readonly tls: boolean
  readonly failed: FailedStep
  /** What the server said, or what went wrong, on one printable line. */
  readonly text: string
}

/** What the plugin keeps with a message in the queue file, in `notes.dns_overrides`. */
export interface MessageNotes {
  /** Attempts made before Haraka split the message: its file counts from 0 again. */
  readonly attempts: number
  /** User name the sender authenticated with; empty if none. */
  readonly authSender: string
  /** See `Message`. */
  readonly rotationOffset: number
  /** See `Message`. */
  readonly reply: string
  /** See `Message`. */
  readonly failed: FailedStep
  /** Lines that have rescued the message, each by {@link hashLine}. */
  readonly rescued: readonly string[]
  /** The last attempts, oldest first. */
  readonly history: readonly AttemptNote[]
}

/** The name under which the notes of a message have ours. */
export const NOTES_KEY = 'dns_overrides'

/** Attempts that are kept with a message. */
const LONGEST_HISTORY = 20
/** Lines that may have rescued one message. */
export const MOST_RESCUES = 100
/** Hexadecimal digits of a line's hash that are kept. */
const HASH_LENGTH = 16
/** What is kept of the name of a user or a server. RFC 5321 section 4.5.3.1.2: a domain has at most 255 octets. */
const LONGEST_NAME = 320
/** Form of what is written. A later one is read as far as its fields have the forms of this one. */
const VERSION = 2

const toText = (value: unknown, max: number): string =>
  typeof value === 'string' ? shortenTo(value, max) : ''

const toFailed = (value: unknown): FailedStep => FAILED_STEPS.find((word) => word === value) ?? ''

const toList = (value: unknown, most: number): readonly unknown[] =>
  Array.isArray(value) ? value.slice(-most) : []

/**
 * Reads `notes.dns_overrides` of a message. A queue file may have been written by another version, by another plugin or by hand:
 * what is not as it should be counts as absent, and nothing is longer than what this plugin writes.
 */
export function readNotes(value: unknown): MessageNotes {
  const own = toFields(value)
  return {
    attempts: toWholeNumber(own.attempts),
    authSender: typeof own.auth_sender === 'string' ? own.auth_sender : '',
    rotationOffset: toWholeNumber(own.rotation_offset),
    reply: toText(own.reply, LONGEST_REPLY),
    failed: toFailed(own.failed),
    rescued: toList(own.rescued, MOST_RESCUES).filter(
      (hash): hash is string => typeof hash === 'string' && /^[\da-f]{16}$/.test(hash),
    ),
    history: toList(own.history, LONGEST_HISTORY)
      .filter(isFields)
      .map((entry) => ({
        at: toWholeNumber(entry.at),
        by: toText(entry.by, LONGEST_NAME),
        server: toText(entry.server, LONGEST_NAME),
        tls: entry.tls === true,
        failed: toFailed(entry.failed),
        text: toText(entry.text, LONGEST_REPLY),
      })),
  }
}

/** The notes as the queue file has them. Fields without a value are left out. */
export function writeNotes(notes: MessageNotes): Record<string, unknown> {
  const { attempts, authSender, rotationOffset, reply, failed, rescued, history } = notes
  const fields: Record<string, unknown> = {}
  if (attempts !== 0) fields.attempts = attempts
  if (authSender !== '') fields.auth_sender = authSender
  if (rotationOffset !== 0) fields.rotation_offset = rotationOffset
  if (reply !== '') fields.reply = reply
  if (failed !== '') fields.failed = failed
  if (rescued.length > 0) fields.rescued = rescued
  if (history.length > 0) {
    fields.history = history
    fields.version = VERSION
  }
  return fields
}

/**
 * What is remembered of an override line: it counts as the same line for as long as it is written the same, wherever in the file.
 *
 * @param text as written, passwords masked
 */
export function hashLine(text: string): string {
  return hashText('sha256', text.trim()).slice(0, HASH_LENGTH)
}

/** The notes after one more attempt. */
export function addAttempt(notes: MessageNotes, attempt: AttemptNote): MessageNotes {
  return { ...notes, history: [...notes.history, attempt].slice(-LONGEST_HISTORY) }
}
