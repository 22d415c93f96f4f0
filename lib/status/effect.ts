import type { Decision } from '../model/decision'
import type { Exchange } from '../model/exchange'
import { needsPlace, sectionLabel } from '../relays/section'
import { describeTrouble, summarizeExchange, usabilityOf, type Usability } from './relay-summary'
import type { RunningServer } from './server-state'
import { joinWords } from './wording'

/** What the running server makes of a decision at this moment. */
export interface Effect {
  /** Of each exchange with which something is wrong: what. */
  readonly notes: ReadonlyMap<Exchange, string>
  /** Why the message waits, such as `relay isp is held`; absent if some exchange is tried. */
  readonly wait?: string
  /** Why no server is left to be tried; absent if one is. */
  readonly deferred?: string
}

/** May mail go to the exchange now? */
export function usabilityNow(exchange: Exchange, state: RunningServer): Usability {
  return needsPlace(exchange) ? usabilityOf(summarizeExchange(exchange, state)) : 'usable'
}

/** The section by its name; a server of a line without its port. */
function nameOf(exchange: Exchange): string {
  const { relay, endpoint } = exchange
  return relay !== undefined && relay.name === undefined ? endpoint.host : sectionLabel(exchange)
}

/**
 * What holds, breakers and limits of the running server change. As in delivery: what is held or at its limit is not tried; what a
 * breaker leaves out is still tried if the decision has nothing else.
 */
export function findEffect({ exchanges, fallbackRelays = [] }: Decision, state: RunningServer): Effect {
  const all = [...exchanges, ...fallbackRelays].map((exchange) => ({
    exchange,
    usability: usabilityNow(exchange, state),
  }))
  const notes = new Map<Exchange, string>()
  for (const { exchange } of all) {
    if (!needsPlace(exchange)) continue
    const trouble = describeTrouble(summarizeExchange(exchange, state))
    if (trouble !== undefined) notes.set(exchange, trouble)
  }
  const isTried = all.some(({ usability }) => usability === 'usable' || usability === 'left-out')
  if (isTried || all.length === 0) return { notes }
  const namesOf = (wanted: Usability) => [
    ...new Set(all.filter(({ usability }) => usability === wanted).map(({ exchange }) => nameOf(exchange))),
  ]
  const [held, limited] = [namesOf('held'), namesOf('limited')]
  const parts = [
    ...(held.length === 0 ? [] : [`${joinWords(held)} ${held.length === 1 ? 'is' : 'are'} held`]),
    ...(limited.length === 0
      ? []
      : [`${joinWords(limited)} ${limited.length === 1 ? 'has' : 'have'} no free place`]),
  ]
  return { notes, wait: parts.join(', and ') }
}
