import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { UsageError } from '../model/errors'
import { whyUnreadable } from '../source/unreadable'

/** One message that waits in Haraka's queue. Times in ms since the epoch. */
export interface QueuedMessage {
  readonly file: string
  readonly domain: string
  readonly recipients: readonly string[]
  /** Empty for the null sender. */
  readonly mailFrom: string
  readonly authSender: string
  readonly size: number
  readonly retries: number
  /** Of these, the attempts made before Haraka split the message, which its file name does not count. */
  readonly attemptsBeforeSplit: number
  readonly rotationOffset: number
  readonly queuedAt: number
  /** When Haraka will try it next, as its file name says. */
  readonly nextAttempt?: number
}

/** A header longer than this is no header. */
const LONGEST_HEADER = 64 * 1024 * 1024

type Fields = Readonly<Record<string, unknown>>

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

/** An address as Haraka's JSON has it (`address-rfc2821` and `@haraka/email-address` write the same fields). */
function addressText(value: unknown): string {
  const { user, host, original_host: written } = fields(value)
  if (typeof user !== 'string' || user === '') return ''
  const domain = typeof written === 'string' && written !== '' ? written : host
  return typeof domain === 'string' && domain !== '' ? `${user}@${domain}` : user
}

/** What the name of a queue file tells (Haraka `outbound/qfile.js`): today's form of seven parts, and the older one. */
export function parseQueueName(name: string): { attempts: number; nextAttempt?: number } {
  const [, next, attempts] =
    /^\d+_(\d+)_(\d+)_\d+_[^_]+_\d+_/.exec(name) ?? /^(\d+)_(\d+)_\d+_\d+\./.exec(name) ?? []
  if (attempts === undefined) return { attempts: 0 }
  return { attempts: Number(attempts), nextAttempt: Number(next) }
}

/** The header of a queue file and the bytes of its message. */
function readHeader(file: string): { todo: Fields; size: number } {
  const handle = openSync(file, 'r')
  try {
    const total = fstatSync(handle).size
    const prefix = Buffer.alloc(4)
    const length = readSync(handle, prefix, 0, 4, 0) === 4 ? prefix.readUInt32BE(0) : Infinity
    if (length > total - 4 || length > LONGEST_HEADER) throw new Error('it is not a queue file of Haraka')
    const header = Buffer.alloc(length)
    readSync(handle, header, 0, length, 4)
    return { todo: fields(JSON.parse(header.toString('utf8'))), size: total - 4 - length }
  } finally {
    closeSync(handle)
  }
}

/**
 * Reads a file of Haraka's queue: four bytes of length, the header as JSON, the message (Haraka `outbound/index.js`
 * `build_todo`). Nothing is changed, and the message itself is not read.
 *
 * @throws UsageError where it is no such file.
 */
export function readQueueFile(file: string): QueuedMessage {
  let header: { todo: Fields; size: number }
  try {
    header = readHeader(file)
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not a queue file of Haraka' : whyUnreadable(error)
    throw new UsageError(`cannot read the message ${file}: ${why}`)
  }
  const { todo, size } = header
  const recipients = (Array.isArray(todo.rcpt_to) ? todo.rcpt_to : []).map(addressText)
  const own = fields(fields(todo.notes).dns_overrides)
  if (typeof todo.domain !== 'string' || recipients.length === 0) {
    throw new UsageError(`cannot read the message ${file}: it is not a queue file of Haraka`)
  }
  const { attempts, nextAttempt } = parseQueueName(basename(file))
  return {
    file,
    domain: todo.domain,
    recipients,
    mailFrom: addressText(todo.mail_from),
    authSender: typeof own.auth_sender === 'string' ? own.auth_sender : '',
    size,
    retries: wholeNumber(own.attempts) + attempts,
    attemptsBeforeSplit: wholeNumber(own.attempts),
    rotationOffset: wholeNumber(own.turn),
    queuedAt: wholeNumber(todo.queue_time),
    ...(nextAttempt === undefined ? {} : { nextAttempt }),
  }
}
