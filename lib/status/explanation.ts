import type { Configuration } from '../routing/configuration'
import type { Route } from '../routing/route'
import { decideWithDns } from '../routing/decide-with-dns'
import { explain as explainByRules } from '../rules/decide'
import type { Decision } from '../model/decision'
import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import { sectionName, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { TracedDecision } from '../rules/types'

/** What an explanation asks of DNS, or of an MX answer that was given. Nothing here rejects. */
export interface ExplanationLookup {
  readonly mx: (domain: string) => MxAnswer | Promise<MxAnswer>
  /** Absent if the MX answer was given: NXDOMAIN then means that the domain does not exist. */
  readonly addresses?: (domain: string) => AddressAnswer | Promise<AddressAnswer>
  /** What follows from the addresses of a decision's exchanges. */
  readonly route: (decision: Decision) => Promise<Route>
}

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
  lookup: ExplanationLookup,
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
