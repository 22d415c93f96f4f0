import type { Limits } from '../relays/limit-types'
import { HOUR_MS } from '../model/duration'
import { LEASE_MS } from './limits-script'

/** What a host may use of a limit: connections at once, and messages under way and in the last hour together. */
export interface HostPart {
  readonly connections: number
  readonly messages: number
}

/** The hosts that were seen last, and this one's place among them. */
export interface HostRank {
  readonly hosts: number
  /** From 0. */
  readonly rank: number
}

/**
 * What a host may use while Redis is gone: its share of each limit. One that had more keeps to its share at once. One that had less
 * rises to it when what the others had is over: their connections in a minute at the most, their messages in an hour.
 *
 * @param had what it might use when Redis was there
 * @param goneMs how long Redis is gone, ms
 */
export function shareAlone(
  limits: Limits,
  had: HostPart,
  { hosts, rank }: HostRank,
  goneMs: number,
): HostPart {
  const shareOf = (limit = Infinity) =>
    limit === Infinity ? limit : Math.floor(limit / hosts) + (rank < limit % hosts ? 1 : 0)
  const connections = shareOf(limits.maxConnections)
  const messages = shareOf(limits.maxPerHour)
  const isAlone = hosts <= 1
  return {
    connections: isAlone || goneMs >= LEASE_MS ? connections : Math.min(had.connections, connections),
    messages: isAlone || goneMs >= HOUR_MS ? messages : Math.min(had.messages, messages),
  }
}
