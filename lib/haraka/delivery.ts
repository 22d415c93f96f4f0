import type { Nexthop } from '../nexthop'
import type { RelayState } from '../relays/types'
import type { Decision } from '../rules/types'
import type { OutboundItem, PlannedExchange } from './delivery-types'

export { waitWithoutCounting } from './delivery-wait'
export type { HarakaMxLike, OutboundItem, PlannedExchange } from './delivery-types'

/** What delivery needs to know beside the exchanges. */
export interface DeliveryContext {
  readonly relays: RelayState
  readonly now: () => number
  readonly source: Decision['source']
  /** Relays that a later attempt of this message could take (source `attempts`); else empty. */
  readonly alternatives: readonly Nexthop[]
}

/**
 * Watches this one delivery attempt of one message, from the answer to `get_mx` to its end. To be called before `get_mx`
 * answers OK with the `mx` of `planned`, in that order. Calling it again begins anew.
 */
export function watchDelivery(
  hmail: OutboundItem,
  planned: readonly PlannedExchange[],
  context: DeliveryContext,
): void {
  void hmail
  void planned
  void context
}
