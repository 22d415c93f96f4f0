import { messageOf, type QueuedMessage } from '../../haraka-files/queue-file'
import type { MxAnswer } from '../../model/dns-answer'
import { UsageError } from '../../model/errors'
import { parseDuration } from '../../model/duration'
import { BLANK_MESSAGE, type Failed, type Message } from '../../model/message'
import { shortenTo } from '../../model/printable'
import { LONGEST_REPLY } from '../../model/reply'
import { parseSize } from '../../model/size'
import { FAILED_WORDS, parseFailed, parseRetries, stripBrackets } from '../../rules/message-spec'
import { parseMxText } from '../../rules/mx-spec'
import type { Arguments } from '../shared/parsed-arguments'
import { recipientDomain } from '../../status/recipient'

function readSize(args: Arguments): number | undefined {
  const text = args.value('size')
  const size = text === undefined ? undefined : parseSize(text)
  if (text === undefined || size !== undefined) return size
  throw new UsageError(`--size takes a number of bytes, for example 5000 or 10M, not "${text}"`)
}

function readRetries(args: Arguments): number | undefined {
  const text = args.value('retries')
  const retries = text === undefined ? undefined : parseRetries(text)
  if (text === undefined || retries !== undefined) return retries
  throw new UsageError(`--retries takes a number, not "${text}"`)
}

function readAge(args: Arguments): number | undefined {
  const text = args.value('age')
  const age = text === undefined ? undefined : parseDuration(text)
  if (text === undefined || age !== undefined) return age
  throw new UsageError(`--age takes a time, for example 30m, 4h or 2d, not "${text}"`)
}

function readFailed(args: Arguments): Failed | undefined {
  const text = args.value('failed')
  const failed = text === undefined ? undefined : parseFailed(text)
  if (text === undefined || failed !== undefined) return failed
  throw new UsageError(`--failed takes one of ${FAILED_WORDS}, not "${text}"`)
}

/**
 * The message that the words of the command describe; for what they leave out, the message of the queue.
 *
 * @param now milliseconds since the epoch
 * @throws UsageError if a word makes no sense, or there is no recipient
 */
export function readGivenMessage(args: Arguments, queued: QueuedMessage | undefined, now: number): Message {
  const recipients = [...args.operands, ...args.values('to')]
  const recipient = recipients[0] ?? queued?.domain
  if (recipient === undefined) throw new UsageError('explain: RECIPIENT is missing, and there is no --queue')
  const domain = recipientDomain(recipient)
  const stranger = recipients.find((each) => recipientDomain(each) !== domain)
  if (stranger !== undefined) {
    throw new UsageError(
      `explain: ${recipient} and ${stranger} are of two domains, and Haraka makes a message for each domain`,
    )
  }
  const base = queued === undefined ? { ...BLANK_MESSAGE, domain } : messageOf(queued, domain, now)
  const sender = args.value('from')
  return {
    ...base,
    mailFrom: sender === undefined ? base.mailFrom : stripBrackets(sender),
    authSender: args.value('auth-sender') ?? base.authSender,
    size: readSize(args) ?? base.size,
    retries: readRetries(args) ?? base.retries,
    rcptTo: recipients.length === 0 ? base.rcptTo : recipients.map(stripBrackets),
    ageMs: readAge(args) ?? base.ageMs,
    reply: shortenTo(args.value('reply') ?? base.reply, LONGEST_REPLY),
    failed: readFailed(args) ?? base.failed,
  }
}

/**
 * The MX answer of `--mx`, if it was given, and the addresses in it that are left out because an MX names a host.
 *
 * @throws UsageError if it cannot be read
 */
export function readMxOption(
  args: Arguments,
): { readonly answer: MxAnswer; readonly skipped: readonly string[] } | undefined {
  const text = args.value('mx')
  if (text === undefined) return undefined
  const parsed = parseMxText(text)
  if ('error' in parsed) throw new UsageError(`--mx: ${parsed.error}`)
  return parsed
}
