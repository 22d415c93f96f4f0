import type { Endpoint } from '../../model/endpoint'
import type { Route } from '../../routing/route'
import { whyNoneIsLeft } from '../../routing/sift-addresses'
import type { Effect } from '../effect'

/**
 * Adds to what the running server changes the servers that are passed over: no address fits `bind` or `family`, or it is this
 * server itself. If all are, the message is deferred.
 *
 * @param isOwn does this server itself listen there?
 */
export function addPassedOver(
  effect: Effect | undefined,
  { outcome, located }: Route,
  isOwn: (endpoint: Endpoint) => boolean,
): Effect | undefined {
  const reasons = located.flatMap(({ exchange, answer }) => {
    const reason = whyNoneIsLeft(exchange, answer, isOwn)
    return reason === undefined ? [] : [{ exchange, reason }]
  })
  if (outcome !== 'deliver' || reasons.length === 0) return effect
  const notes = new Map(effect?.notes)
  for (const { exchange, reason } of reasons) notes.set(exchange, `is passed over: ${reason}`)
  const isAll = reasons.length === located.length
  return { ...effect, notes, ...(isAll ? { deferred: reasons.map(({ reason }) => reason).join('; ') } : {}) }
}
