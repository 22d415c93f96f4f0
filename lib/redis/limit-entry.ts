import type { LimitLedger } from '../relays/limit-lender'
import type { Limits } from '../relays/limit-types'
import type { HostPart } from './host-share'

/** A limit, as the host that shares it knows it. Times are of the monotonic clock, in ms. */
export interface LimitEntry {
  limits: Limits
  /** Its name in Redis. */
  readonly name: string
  /** What this host may use until it asks again. */
  part: HostPart
  /** How many other hosts wait for a connection. */
  othersWaiting: number
  waitMs: number
  /** When Redis last confirmed what this host has of it. */
  declaredAt: number
  /** When the list of sent messages was last sent. */
  hoursDeclaredAt: number
}

/** What a call says of one limit: all that this host has of it. */
export interface DeclaredLimit {
  readonly entry: LimitEntry
  readonly used: number
  /** Connections that it has or may open. */
  readonly keep: number
  /** Messages under way, and sent in the last hour. */
  readonly count: number
  /** Messages that it may send besides. */
  readonly reserve: number
  /** How many wait. */
  readonly wanted: number
  /** Does the call list when messages were sent? */
  readonly listsHours: boolean
  /** In the order that the script expects. */
  readonly values: readonly (string | number)[]
}

export interface DeclareOptions {
  /** Milliseconds of the monotonic clock. */
  readonly now: number
  /** How far the clock of Redis is ahead of it, ms. */
  readonly clockOffset: number
  /** Keeps connections that are not in use: Redis lends no others yet. */
  readonly keeps: boolean
}

/** Time between two lists of sent messages, which count when this host is gone. Milliseconds. */
export const HOURS_INTERVAL_MS = 5_000

/** Declares what this host has of a limit. It gives up all that it does not declare. */
export function declareLimit(
  entry: LimitEntry,
  ledger: LimitLedger,
  { now, clockOffset, keeps }: DeclareOptions,
): DeclaredLimit {
  const { maxConnections, maxPerHour, key } = entry.limits
  const { used, sent, wanted, freeAt } = ledger.use(key)
  const count = used + sent
  const kept = keeps && maxConnections !== undefined ? Math.min(entry.part.connections, maxConnections) : 0
  const keep = Math.max(used, kept)
  const reserve =
    maxPerHour === undefined ? 0 : Math.max(Math.min(entry.part.messages, maxPerHour) - count, 0)
  entry.part = { connections: keep, messages: count + reserve }
  const listsHours = maxPerHour !== undefined && now - entry.hoursDeclaredAt >= HOURS_INTERVAL_MS
  if (listsHours) entry.hoursDeclaredAt = now
  const list = () => ledger.hours(key).map(([at, amount]) => `${Math.ceil(at + clockOffset)}:${amount}`)
  const hours = listsHours ? list().join(' ') : '-'
  const freeMs = freeAt === undefined ? 0 : Math.max(Math.ceil(freeAt - now), 1)
  const values = [maxConnections ?? -1, maxPerHour ?? -1, used, keep, sent, reserve, wanted, hours, freeMs]
  return { entry, used, keep, count, reserve, wanted, listsHours, values }
}
