import { isPermanent, type Reply } from '../../model/reply'
import type { QueuedRecipient } from '../../haraka-objects/outbound'

/** What is kept with a recipient for the report to the sender. */
export function reportFields(recipient: QueuedRecipient): QueuedRecipient {
  return Object.fromEntries(
    Object.entries(recipient).filter(([name]) => name === 'reason' || name.startsWith('dsn_')),
  )
}

/** What Haraka 3.3.4 (`outbound/hmail.js`) keeps of a reply with a recipient, for the report to the sender. */
export function reportOf(reply: Reply, address: string): Partial<QueuedRecipient> {
  const { code, enhanced, text } = reply
  return {
    reason: text,
    dsn_action: isPermanent(reply) ? 'failed' : 'delayed',
    dsn_smtp_code: String(code),
    dsn_smtp_extc: enhanced,
    dsn_status: enhanced,
    dsn_smtp_response: text.replace(/^\d+ (?:\d+\.\d+\.\d+ )?/, ''),
    dsn_remote_mta: address,
  }
}
