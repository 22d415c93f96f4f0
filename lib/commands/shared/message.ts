import type { MxAnswer } from '../../model/dns-answer'
import { UsageError } from '../../model/errors'
import { normalizeDomain } from '../../rules/domain-pattern'
import type { Message } from '../../model/message'
import { parseSize } from '../../model/size'
import { parseRetries, unbracketed } from '../../rules/message-spec'
import { parseMxText } from '../../rules/mx-spec'
import type { QueuedMessage } from '../../haraka-files/queue-file'
import type { Arguments } from './types'

/**
 * The domain of a recipient: of an address, with or without angle brackets, or a domain by itself. U-labels become A-labels.
 *
 * @throws UsageError where it is neither.
 */
export function recipientDomain(recipient: string): string {
  const text = unbracketed(recipient).replace(/\.$/, '')
  let host = text
  if (text.includes('@')) {
    const { Address } = require('address-rfc2821') as typeof import('address-rfc2821')
    try {
      const address = new Address(`<${text}>`)
      host = address.original_host ?? address.host
    } catch {
      throw new UsageError(`"${recipient}" is not an address`)
    }
  }
  const domain = normalizeDomain(host)
  if (domain === undefined) throw new UsageError(`"${recipient}" is neither an address nor a domain`)
  return domain
}

function numberOption(args: Arguments, name: string): number | undefined {
  const text = args.value(name)
  if (text === undefined) return undefined
  const number = name === 'size' ? parseSize(text) : parseRetries(text)
  if (number === undefined) {
    throw new UsageError(
      `--${name} takes a number${name === 'size' ? ', as 5000 or 10M' : ''}, not "${text}"`,
    )
  }
  return number
}

/**
 * The message that the words of a command describe; what they do not say, a message of the queue does.
 *
 * @throws UsageError where a word makes no sense.
 */
export function describedMessage(args: Arguments, queued: QueuedMessage | undefined): Message {
  const recipient = args.operands[0] ?? queued?.domain
  if (recipient === undefined) throw new UsageError('explain: RECIPIENT is missing, and there is no --queue')
  const sender = args.value('from')
  return {
    domain: recipientDomain(recipient),
    mailFrom: sender === undefined ? (queued?.mailFrom ?? '') : unbracketed(sender),
    authSender: args.value('auth-sender') ?? queued?.authSender ?? '',
    size: numberOption(args, 'size') ?? queued?.size ?? 0,
    retries: numberOption(args, 'retries') ?? queued?.retries ?? 0,
    rotationOffset: queued?.rotationOffset ?? 0,
  }
}

/**
 * The MX answer of `--mx`, if there is one, and the addresses in it that are skipped as an MX.
 *
 * @throws UsageError where it cannot be read.
 */
export function givenMx(args: Arguments): { answer: MxAnswer; skipped: readonly string[] } | undefined {
  const text = args.value('mx')
  if (text === undefined) return undefined
  const parsed = parseMxText(text)
  if ('error' in parsed) throw new UsageError(`--mx: ${parsed.error}`)
  return parsed
}
