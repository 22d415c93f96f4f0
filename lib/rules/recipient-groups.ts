import type { Decision } from '../model/decision'
import { exchangeKey, sectionName, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { RuleSet } from './compile'
import { decide } from './decide'
import type { Knowledge, FullKnowledge, Missing } from './knowledge'

/** Places in `rcptTo` of the recipients of one group, ascending. */
export type RecipientGroup = readonly number[]

/**
 * May the decision be another for another recipient of the message? Only if it has several, and a line about their domain has a
 * condition on `$rcpt`. Costs nothing for a message to one recipient, or where no line has one.
 */
export function mayDiverge(rules: RuleSet, { rcptTo, domain }: Message): boolean {
  return (
    rcptTo.length > 1 &&
    rules.readsRecipient &&
    rules.linesFor(domain).some(({ readsRecipient }) => readsRecipient)
  )
}

/** The message to some of its recipients. */
export function messageTo(message: Message, group: RecipientGroup): Message {
  return { ...message, rcptTo: group.map((place) => message.rcptTo[place]!) }
}

/**
 * The recipients of a message in groups for which the decision is the same, in the order of their first recipients. One group if
 * they cannot diverge ({@link mayDiverge}): then nothing is decided.
 *
 * @returns what is missing, as `decide` does
 */
export function groupByRoute(
  rules: RuleSet,
  message: Message,
  known: FullKnowledge,
): readonly RecipientGroup[]
export function groupByRoute(
  rules: RuleSet,
  message: Message,
  known: Knowledge,
): readonly RecipientGroup[] | Missing
export function groupByRoute(
  rules: RuleSet,
  message: Message,
  known: Knowledge,
): readonly RecipientGroup[] | Missing {
  const places = [...message.rcptTo.keys()]
  if (!mayDiverge(rules, message)) return [places]
  const groups = new Map<string, number[]>()
  for (const place of places) {
    const decision = decide(rules, messageTo(message, [place]), known)
    if (typeof decision === 'string') return decision
    const key = routeKey(decision)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [place])
    else group.push(place)
  }
  return [...groups.values()]
}

/** What is the same where a message goes the same way. A relay of `[attempts]` has others after it, so it is not as one of a line. */
function routeKey({ outcome, source, exchanges, onRefusal }: Decision): string {
  const servers = exchanges.map(serverKey)
  return JSON.stringify([outcome, source === 'attempts', servers, onRefusal ?? null])
}

/** A server, and on which terms. */
function serverKey(exchange: Exchange): readonly unknown[] {
  const { priority, origin, relay, terms } = exchange
  const isDirect = origin.kind === 'dns'
  const isImplicit = relay?.implicitTls === true
  return [priority, exchangeKey(exchange), sectionName(exchange), isDirect, isImplicit, terms.tls]
}
