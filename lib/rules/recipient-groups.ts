import type { Decision } from '../model/decision'
import { exchangeKey, exchangeLabel } from '../model/exchange'
import type { Message } from '../model/message'
import type { RuleSet } from './compile'
import { rcpt } from './conditions/rcpt'
import { decide } from './decide'
import type { Facts, KnownFacts, Missing } from './facts'

/** Places in `rcptTo` of the recipients of one group, ascending. */
export type RecipientGroup = readonly number[]

/**
 * The recipients of a message in groups for which the decision is the same, in the order of their first recipients. One group unless
 * a line about their domain has a condition on `$rcpt`: then nothing is decided, and this costs next to nothing.
 *
 * @returns the name of a fact, as `decide` does
 */
export function groupByRoute(rules: RuleSet, message: Message, facts: KnownFacts): readonly RecipientGroup[]
export function groupByRoute(
  rules: RuleSet,
  message: Message,
  facts: Facts,
): readonly RecipientGroup[] | Missing
export function groupByRoute(
  rules: RuleSet,
  message: Message,
  facts: Facts,
): readonly RecipientGroup[] | Missing {
  const { rcptTo, domain } = message
  const places = [...rcptTo.keys()]
  if (rcptTo.length < 2 || !rules.candidates(domain).some(({ conditions }) => conditions.some(isOnRcpt))) {
    return [places]
  }
  const groups = new Map<string, number[]>()
  for (const place of places) {
    const decision = decide(rules, { ...message, rcptTo: [rcptTo[place]!] }, facts)
    if (typeof decision === 'string') return decision
    const key = routeKey(decision)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [place])
    else group.push(place)
  }
  return [...groups.values()]
}

const isOnRcpt = ({ attribute }: { readonly attribute: { readonly name: string } }) =>
  attribute.name === rcpt.name

/** What is the same where a message goes the same way. */
function routeKey({ outcome, exchanges, onRefusal }: Decision): string {
  const servers = exchanges.map((exchange) => [
    exchange.priority,
    exchangeKey(exchange),
    exchangeLabel(exchange),
  ])
  return JSON.stringify([outcome, servers, onRefusal ?? null])
}
