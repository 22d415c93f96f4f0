import type { Limits } from './limit-types'

/** What this server uses of a limit. */
export interface LimitUse {
  /** Places that are taken. */
  readonly used: number
  /** Messages sent in the last hour. */
  readonly sent: number
  /** Messages that wait, for an answer or for a place. */
  readonly wanted: number
  /** When the oldest message will be an hour old, in ms of the monotonic clock; undefined if none was sent. */
  readonly freeAt: number | undefined
}

/** The part of a limit that this server may use now. */
export interface Portion {
  readonly maxConnections: number
  readonly maxPerHour: number
  /** When more messages may be sent, at the earliest, in ms from now. */
  readonly waitMs: number
}

/** What the arbiter shows to the lender. */
export interface LimitLedger {
  use(key: string): LimitUse
  /** What was sent, see `HourCount.entries`. */
  hours(key: string): readonly (readonly [at: number, amount: number])[]
  /** Offers places to those who wait: the portion has changed. */
  offer(key: string): void
}

/** Shares limits with other servers: each may use a portion, and asks for more when that is used up. */
export interface LimitLender {
  /** To be called once, before all others. */
  begin(ledger: LimitLedger): void
  /** This server has these limits, and may use them later. */
  know(limits: Limits): void
  portion(limits: Limits): Portion
  /** Asks for a larger portion. Resolves when it is known whether there is one; never rejects. */
  borrow(limits: Limits): Promise<void>
  /** A message waits, because the portion is used up. */
  noteWait(limits: Limits): void
  /** A place was taken. */
  noteTake(key: string): void
  /** A place was given back, and nobody has taken it yet. */
  noteFree(key: string): void
}
