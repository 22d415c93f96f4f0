import { exchangeKey, exchangeLabel, sectionName, type Exchange } from '../model/exchange'
import type { Limits } from './limit-types'
import type { ServerStatus } from './types'

type Counted = Pick<Exchange, 'endpoint' | 'origin' | 'relay' | 'terms'>

const isDirect = ({ origin, relay }: Counted) => origin.kind === 'dns' && relay === undefined

/** `[direct:NAME]` or `[direct]`: what a log line calls the terms of direct mail. */
export const directTitle = (name: string | undefined): string =>
  name === undefined ? '[direct]' : `[direct:${name}]`

/**
 * The key under which limits are counted, over all servers that share them: the name of the section (relays and terms share one set
 * of names), `[direct]`, or the server itself if it is written in a line.
 */
export function sectionKey(exchange: Counted): string {
  return sectionName(exchange) ?? (isDirect(exchange) ? directTitle(undefined) : exchangeKey(exchange))
}

/** What a log line calls the section: `relay isp`, `[direct:microsoft]`, `[direct]`, or the server itself. */
export function sectionLabel(exchange: Counted): string {
  return isDirect(exchange) ? directTitle(sectionName(exchange)) : exchangeLabel(exchange)
}

/** The key of a report of its use: the title of terms, the server of a relay. No secret. */
export function useKey(exchange: Counted): string {
  return isDirect(exchange) ? directTitle(sectionName(exchange)) : exchangeKey(exchange)
}

/** The key of a breaker: in each section each server of direct mail has its own, so that one of them never stops the others. */
export function breakerKey(exchange: Counted): string {
  return isDirect(exchange) ? `${useKey(exchange)} ${exchangeKey(exchange)}` : exchangeKey(exchange)
}

/** The limits of a section, with the key under which they are counted. */
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
 * Must a message ask for a place before it goes there? Not if a place can never be refused: terms without a name, limits and
 * `retry_after`.
 */
export function needsPlace(exchange: Counted): boolean {
  const { relay, terms } = exchange
  if (relay !== undefined || sectionName(exchange) !== undefined) return true
  return isLimited(limitsOf(exchange)) || terms.retryAfterMs !== undefined
}

/** Is it a report of an operator's server, and not of direct mail? */
export const isOfRelay = ({ key, terms }: Pick<ServerStatus, 'key' | 'terms'>): boolean =>
  terms === undefined && !/^\[direct[:\]]/.test(key)
