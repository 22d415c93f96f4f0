import type { LimitLedger } from '../relays/limit-lender'
import { HOURS_INTERVAL_MS, type LimitEntry } from './limit-entries'

/** What is said of one limit in a call: all that this host has of it. */
export interface ToldLimit {
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
  /** Is said when its messages were sent? */
  readonly listsHours: boolean
  /** As the script has them. */
  readonly values: readonly (string | number)[]
}

export interface DeclareOptions {
  /** Milliseconds of the monotonic clock. */
  readonly now: number
  /** What the clock of Redis shows more. */
  readonly clockOffset: number
  /** Keeps connections that are not in use: Redis lends no others yet. */
  readonly keeps: boolean
}

/** Says what this host has of a limit. What it does not say that it has, it has no more. */
export function declareLimit(
  entry: LimitEntry,
  ledger: LimitLedger,
  { now, clockOffset, keeps }: DeclareOptions,
): ToldLimit {
  const { maxConnections, maxPerHour, key } = entry.limits
  const { used, sent, wanted, freeAt } = ledger.use(key)
  const count = used + sent
  const kept = keeps && maxConnections !== undefined ? Math.min(entry.part.connections, maxConnections) : 0
  const keep = Math.max(used, kept)
  const reserve =
    maxPerHour === undefined ? 0 : Math.max(Math.min(entry.part.messages, maxPerHour) - count, 0)
  entry.part = { connections: keep, messages: count + reserve }
  const listsHours = maxPerHour !== undefined && now - entry.hoursToldAt >= HOURS_INTERVAL_MS
  if (listsHours) entry.hoursToldAt = now
  const list = () => ledger.hours(key).map(([at, amount]) => `${Math.ceil(at + clockOffset)}:${amount}`)
  const hours = listsHours ? list().join(' ') : '-'
  const freeMs = freeAt === undefined ? 0 : Math.max(Math.ceil(freeAt - now), 1)
  const values = [maxConnections ?? -1, maxPerHour ?? -1, used, keep, sent, reserve, wanted, hours, freeMs]
  return { entry, used, keep, count, reserve, wanted, listsHours, values }
}
