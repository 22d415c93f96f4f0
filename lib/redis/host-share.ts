import { HOUR_MS } from '../model/duration'
import type { Limits } from '../relays/limit-types'

/** What a host may use of a limit: connections at once, and messages under way and in the last hour together. */
export interface HostPart {
  readonly connections: number
  readonly messages: number
}

/**
 * The slice of every limit that a host may use without Redis: from `begin` to `end`, of {@link WHOLE}. Slices of hosts never overlap,
 * so their shares never add up to more than the limit, even if some hosts do not know of all others yet.
 */
export interface HostSlice {
  readonly begin: number
  readonly end: number
}

/** All of a limit. It divides evenly among up to 16 hosts. */
export const WHOLE = 720_720

export const NO_SLICE: HostSlice = { begin: 0, end: 0 }

/** Time after which connections that others opened before Redis was lost have ended, milliseconds. */
const CONNECTIONS_MS = 35_000
/** Time after which messages that others sent before are older than an hour, milliseconds. */
const MESSAGES_MS = HOUR_MS + CONNECTIONS_MS

/** How much of a limit is in a slice. */
export function shareOf(limit: number | undefined, { begin, end }: HostSlice): number {
  if (limit === undefined) return Infinity
  const upTo = (place: number) => Math.floor((limit * place) / WHOLE)
  return upTo(end) - upTo(begin)
}

/**
 * What a host may use while Redis is gone: its share of each limit. One that had more keeps to its share at once. One that had less
 * gets its share when the others have ended what they had.
 *
 * @param had what it could use when Redis was lost
 * @param goneMs how long Redis has been gone, ms
 */
export function shareAlone(limits: Limits, had: HostPart, slice: HostSlice, goneMs: number): HostPart {
  const connections = shareOf(limits.maxConnections, slice)
  const messages = shareOf(limits.maxPerHour, slice)
  return {
    connections: goneMs >= CONNECTIONS_MS ? connections : Math.min(had.connections, connections),
    messages: goneMs >= MESSAGES_MS ? messages : Math.min(had.messages, messages),
  }
}
