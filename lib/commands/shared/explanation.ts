import type { Configuration } from '../../routing/configuration'
import type { Route } from '../../routing/route'
import { decideWithDns } from '../../routing/decide-with-dns'
import { explain as explainByRules } from '../../rules/decide'
import type { Decision } from '../../model/decision'
import { sectionName, type Exchange } from '../../model/exchange'
import type { Message } from '../../model/message'
import type { TracedDecision } from '../../rules/types'
import type { Lookup } from './lookup'
import { EXIT } from './exit-status'

/** A message, the decision about it, and what follows from the addresses of its exchanges. */
export interface Explanation {
  readonly message: Message
  readonly decision: TracedDecision
  readonly route: Route
}

/**
 * Decides as the plugin does, and keeps every reason. Never rejects as long as the lookup does not.
 *
 * @param isUsable whether a relay of `[attempts]` can be used now; absent: all can
 */
export async function explainMessage(
  configuration: Configuration,
  message: Message,
  lookup: Lookup,
  isUsable?: (relay: Exchange) => boolean,
): Promise<Explanation> {
  const question = { rules: configuration.rules, message, isUsable }
  const decision = await decideWithDns(explainByRules, question, lookup)
  return { message, decision, route: await lookup.route(decision) }
}

/** The exchanges that would be tried, in that order. */
export function listTriedExchanges({ decision, route }: Explanation): readonly Exchange[] {
  return route.outcome === 'bounce' ? [] : decision.exchanges
}

/** The exit status for an outcome. */
export function exitStatusOf(outcome: Decision['outcome']): number {
  switch (outcome) {
    case 'deliver':
      return EXIT.ok
    case 'bounce':
      return EXIT.noRoute
    case 'defer':
      return EXIT.tempFail
    default:
      return outcome satisfies never
  }
}

/** An exchange with the words of the contract: `exchange` is the host, `from` what put it into the decision. */
export function exchangeJson(exchange: Exchange): Record<string, unknown> {
  const { endpoint, priority, origin, relay } = exchange
  const line = origin.kind === 'attempts' ? undefined : origin.line
  const name = sectionName(exchange)
  const user = relay?.credentials?.user
  return {
    exchange: endpoint.host,
    port: endpoint.port,
    priority,
    ...(user === undefined ? {} : { auth_user: user }),
    from: origin.kind === 'line' ? 'overrides' : origin.kind,
    ...(line === undefined ? {} : { line }),
    ...(name === undefined ? {} : { name }),
  }
}
