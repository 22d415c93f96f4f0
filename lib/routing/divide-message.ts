import type { Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import { decideWithDns } from './decide-with-dns'
import type { Configuration } from './configuration'
import { groupByRoute, mayDiverge, messageTo, type RecipientGroup } from '../rules/recipient-groups'
import type { DomainSource } from './decide-with-dns'

/**
 * The messages into which Haraka would divide this one now, because its recipients go different ways by `$rcpt`: itself if they do not.
 * Rejects only if the lookup does.
 *
 * @param isUsable whether a relay of `[attempts]` can be used now; absent: all can
 */
export async function divideMessage(
  { rules }: Configuration,
  message: Message,
  lookup: DomainSource,
  isUsable?: (relay: Exchange) => boolean,
): Promise<readonly Message[]> {
  if (!mayDiverge(rules, message)) return [message]
  const question = { rules, message, isUsable }
  const groups = await decideWithDns<readonly RecipientGroup[]>(groupByRoute, question, lookup)
  return groups.length < 2 ? [message] : groups.map((group) => messageTo(message, group))
}
