import { toFields, toWholeNumber, type Fields } from '../model/foreign-json'
import { readSync } from 'node:fs'
import { basename } from 'node:path'
import { UsageError } from '../model/errors'
import type { FailedStep, Message } from '../model/message'
import { withRegularFile } from '../files/read-file'
import { unreadableError } from '../files/unreadable'
import { addressText } from './address-text'
import { LONGEST_HEADER } from './queue-header'
import { NOTES_KEY, readNotes, type AttemptNote } from './notes'

/** One message that waits in Haraka's queue. Its texts are a stranger's: printable text only where they are shown. */
export interface QueuedMessage {
  readonly file: string
  /** As the log has it; empty if the file does not say. */
  readonly id: string
  readonly domain: string
  readonly recipients: readonly string[]
  /** Empty for the null sender. */
  readonly mailFrom: string
  /** Empty if the sender did not authenticate. */
  readonly authSender: string
  /** Bytes. */
  readonly size: number
  /** Delivery attempts already made. */
  readonly retries: number
  /** Of these, the attempts made before Haraka split the message, which its file name does not count. */
  readonly attemptsBeforeSplit: number
  /** See `Message`. */
  readonly rotationOffset: number
  /** See `Message`. */
  readonly reply: string
  /** See `Message`. */
  readonly failed: FailedStep
  /** The last attempts, oldest first. */
  readonly history: readonly AttemptNote[]
  /** ms since the epoch. */
  readonly queuedAt: number
  /** When Haraka will try it next, as its file name says. ms since the epoch. */
  readonly nextAttempt?: number
}

const NOT_OURS = 'it is not a queue file of Haraka'

/**
 * Attempts and time of the next one, ms since the epoch, from the name of a queue file (Haraka `outbound/qfile.js`): the form of
 * seven parts, or the older one. `nextAttempt` is absent if the name is neither.
 */
export function parseQueueName(name: string): { attempts: number; nextAttempt?: number } {
  const [, next, attempts] =
    /^\d+_(\d{1,15})_(\d{1,6})_\d+_[^_]+_\d+_/.exec(name) ??
    /^(\d{1,15})_(\d{1,6})_\d+_\d+\./.exec(name) ??
    []
  if (attempts === undefined) return { attempts: 0 }
  return { attempts: Number(attempts), nextAttempt: Number(next) }
}

/** The header of a queue file, and the number of bytes of its message. */
function readHeader(file: string): { todo: Fields; size: number } {
  return withRegularFile(file, (descriptor, { size }) => {
    const prefix = Buffer.alloc(4)
    const length = readSync(descriptor, prefix, 0, 4, 0) === 4 ? prefix.readUInt32BE(0) : Infinity
    if (length > size - 4 || length > LONGEST_HEADER) throw new Error(NOT_OURS)
    const header = Buffer.alloc(length)
    readSync(descriptor, header, 0, length, 4)
    return { todo: toFields(JSON.parse(header.toString('utf8'))), size: size - 4 - length }
  })
}

/**
 * Reads a file of Haraka's queue: four bytes of length, the header as JSON, the message (Haraka `outbound/index.js`
 * `build_todo`). Changes nothing, and does not read the message itself.
 *
 * @throws UsageError if it is not such a file; as {@link unreadableError} if it cannot be read
 */
export function readQueueFile(file: string): QueuedMessage {
  let header: { todo: Fields; size: number }
  try {
    header = readHeader(file)
  } catch (error) {
    throw unreadableError(`the message ${file}`, error instanceof SyntaxError ? new Error(NOT_OURS) : error)
  }
  const { todo, size } = header
  const recipients = (Array.isArray(todo.rcpt_to) ? todo.rcpt_to : []).map(addressText)
  const own = readNotes(toFields(todo.notes)[NOTES_KEY])
  if (typeof todo.domain !== 'string' || recipients.length === 0) {
    throw new UsageError(`cannot read the message ${file}: ${NOT_OURS}`)
  }
  const { attempts, nextAttempt } = parseQueueName(basename(file))
  return {
    file,
    id: typeof todo.uuid === 'string' ? todo.uuid : '',
    domain: todo.domain,
    recipients,
    mailFrom: addressText(todo.mail_from),
    authSender: own.authSender,
    size,
    retries: own.attempts + attempts,
    attemptsBeforeSplit: own.attempts,
    rotationOffset: own.rotationOffset,
    reply: own.reply,
    failed: own.failed,
    history: own.history,
    queuedAt: toWholeNumber(todo.queue_time),
    ...(nextAttempt === undefined ? {} : { nextAttempt }),
  }
}

/**
 * A message of the queue as the rules see it.
 *
 * @param domain its domain in the form that the rules need
 * @param now milliseconds since the epoch
 */
export function messageOf(queued: QueuedMessage, domain: string, now: number): Message {
  const { mailFrom, recipients, authSender, size, retries, reply, failed, rotationOffset, queuedAt } = queued
  return {
    domain,
    mailFrom,
    rcptTo: recipients,
    authSender,
    size,
    ageMs: Math.max(0, now - queuedAt),
    retries,
    reply,
    failed,
    rotationOffset,
  }
}
