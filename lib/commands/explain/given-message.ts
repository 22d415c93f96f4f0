import { messageOf, type QueuedMessage } from '../../haraka-files/queue-file'
import type { MxAnswer } from '../../model/dns-answer'
import { UsageError } from '../../model/errors'
import { BLANK_MESSAGE, type Message } from '../../model/message'
import { MESSAGE_ATTRIBUTES, setAttributes } from '../../model/message-attributes'
import { stripBrackets } from '../../rules/message-spec'
import { parseMxText } from '../../rules/mx-spec'
import type { Arguments } from '../shared/parsed-arguments'
import { recipientDomain } from '../../status/recipient'

/**
 * The message that the arguments describe. What they leave out is taken from the message of the queue.
 *
 * @param now milliseconds since the epoch
 * @throws UsageError if an argument is invalid, or there is no recipient
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
  const addressed = {
    ...base,
    mailFrom: sender === undefined ? base.mailFrom : stripBrackets(sender),
    rcptTo: recipients.length === 0 ? base.rcptTo : recipients.map(stripBrackets),
  }
  return setAttributes(
    addressed,
    (name) => args.value(MESSAGE_ATTRIBUTES[name].option),
    (name, text) => {
      const { option, takes } = MESSAGE_ATTRIBUTES[name]
      return new UsageError(`--${option} takes ${takes}, not "${text}"`)
    },
  )
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
