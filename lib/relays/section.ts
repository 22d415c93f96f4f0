import { exchangeKey, exchangeLabel, sectionName, type Exchange } from '../model/exchange'
import type { Limits } from './limit-types'
import type { ServerStatus } from './types'

type Counted = Pick<Exchange, 'endpoint' | 'origin' | 'relay' | 'terms'>

const isDirect = ({ origin, relay }: Counted) => origin.kind === 'dns' && relay === undefined

/** `[direct:NAME]` or `[direct]`: how a message calls the terms of direct mail. */
export const directTitle = (name: string | undefined): string =>
  name === undefined ? '[direct]' : `[direct:${name}]`

/**
 * What limits are counted under, over all servers that share them: the name of the section (relays and terms have one space of
 * names), `[direct]`, or the server itself where a line has it inline.
 */
export function sectionKey(exchange: Counted): string {
  return sectionName(exchange) ?? (isDirect(exchange) ? directTitle(undefined) : exchangeKey(exchange))
}

/** How a message calls the section: `relay isp`, `[direct:microsoft]`, `[direct]`, or the server itself. */
export function sectionLabel(exchange: Counted): string {
  return isDirect(exchange) ? directTitle(sectionName(exchange)) : exchangeLabel(exchange)
}

/** What a report of its use is known by: terms by their title, a relay by its server. No secret. */
export function useKey(exchange: Counted): string {
  return isDirect(exchange) ? directTitle(sectionName(exchange)) : exchangeKey(exchange)
}

/** What a breaker is kept under: each server of direct mail has its own in each section, so that one of them never stops the others. */
export function breakerKey(exchange: Counted): string {
  return isDirect(exchange) ? `${useKey(exchange)} ${exchangeKey(exchange)}` : exchangeKey(exchange)
}

/** The limits of a section, with what they are counted under. */
export function limitsOf(exchange: Counted): Limits {
  const { maxConnections, maxPerHour } = exchange.terms
  return {
    key: sectionKey(exchange),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxPerHour === undefined ? {} : { maxPerHour }),
  }
}

export const isLimited = ({ maxConnections, maxPerHour }: Limits): boolean =>
  maxConnections !== undefined || maxPerHour !== undefined

/**
 * Must a message ask for a place before it goes there? It need not where nothing could ever be refused: terms without a name, limits
 * and `retry_after`.
 */
export function needsPlace(exchange: Counted): boolean {
  const { relay, terms } = exchange
  if (relay !== undefined || sectionName(exchange) !== undefined) return true
  return isLimited(limitsOf(exchange)) || terms.retryAfterMs !== undefined
}

/** Is it a report of an operator's server, and not of direct mail? */
export const isOfRelay = ({ key, terms }: Pick<ServerStatus, 'key' | 'terms'>): boolean =>
  terms === undefined && !/^\[direct[:\]]/.test(key)
