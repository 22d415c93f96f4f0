import type { Span } from '../source/diagnostic'
import type { MxAnswer } from '../model/dns-answer'
import type { Nexthop } from '../model/nexthop'

/** The message as the rules see it. */
export interface Envelope {
  /** Recipient domain: lower-case A-labels without trailing dot, or a domain literal as written. */
  readonly domain: string
  /** Envelope sender without angle brackets; empty for the null sender. */
  readonly mailFrom: string
  /** User name the sender authenticated with; empty if none. */
  readonly authSender: string
  /** Bytes, headers and body as sent. */
  readonly size: number
  /** Delivery attempts already made. */
  readonly retries: number
  /** The message's ticket in the taking of turns between relays: its first relay attempt begins here. */
  readonly turn: number
}

/** Where an override line sends mail. */
export type Target =
  | { readonly kind: 'host'; readonly nexthop: Nexthop; readonly span: Span }
  | { readonly kind: 'relay'; readonly name: string; readonly span: Span }
  | { readonly kind: 'direct'; readonly span: Span }

/** What a condition may look at. The MX answer is asked for only when a condition's outcome hangs on it. */
export interface Facts {
  readonly envelope: Envelope
  readonly mx: () => Promise<MxAnswer>
}

/**
 * The outcome of one condition. `undecided`: the MX lookup that it needs failed for the time being (the message is deferred).
 * `reason` says why it is false, with the value seen, as `$retries>=4 is false: retries is 1`.
 */
export type Outcome =
  | { readonly holds: true }
  | { readonly holds: false; readonly reason: string }
  | { readonly holds: 'undecided'; readonly reason: string }

/** A parsed condition of a line. Plain data beside one function; `text` is as written. */
export interface Condition {
  readonly attribute: string
  readonly operator: string
  readonly text: string
  readonly span: Span
  /** Does evaluating it need DNS? Such conditions are looked at last. */
  readonly needsMx: boolean
  readonly test: (facts: Facts) => Outcome | Promise<Outcome>
}

/** One override line. Readonly data with positions. */
export interface OverrideLine {
  readonly line: number
  readonly pattern: { readonly text: string; readonly span: Span }
  readonly target: Target
  readonly conditions: readonly Condition[]
  /** Lower is tried first. Absent: not written (10, or the named relay's own). */
  readonly priority?: number
  readonly end: boolean
  readonly addDns: boolean
  /** The line as written, passwords masked. */
  readonly text: string
}

/** A server that the message may go to. */
export interface Exchange {
  /** Lower-case A-label host name without trailing dot, or an IP address without brackets. */
  readonly exchange: string
  readonly port: number
  readonly priority: number
  readonly from: 'overrides' | 'attempts' | 'dns'
  /** The override line, for `from: 'overrides'`. */
  readonly line?: number
  /** How to speak to it; absent for an exchange from DNS. */
  readonly nexthop?: Nexthop
}

/** Whether a line matched, and if not, the first condition that failed with the value it saw. */
export type LineTrace =
  | { readonly line: number; readonly matched: true }
  | { readonly line: number; readonly matched: false; readonly reason: string }

/** Why a message is not delivered now, as a word. */
export type NoRoute =
  /** The domain does not exist. */
  | 'nxdomain'
  /** The domain has a null MX (RFC 7505). */
  | 'nullmx'
  /** Neither MX nor address. */
  | 'nodata'
  /** DNS gave no answer for the time being. */
  | 'dns-failure'
  /** Exchanges are known, and none of them has an address. */
  | 'no-address'
  /** All attempts of section `[attempts]` are made. */
  | 'attempts-exhausted'

/** Where a message goes. Exchanges are in order of priority, equals in file order (Haraka's seam shuffles equals). */
export interface Decision {
  readonly domain: string
  readonly outcome: 'deliver' | 'bounce' | 'defer'
  readonly source: 'overrides' | 'attempts' | 'dns'
  /** Line numbers, in order. */
  readonly matched: readonly number[]
  readonly exchanges: readonly Exchange[]
  /**
   * For a relay of section `[attempts]`: the other valid relays in the order in which their turn comes, for when the chosen one
   * fails by its own fault.
   */
  readonly spares?: readonly Exchange[]
  /** Lines whose domain pattern fits or not, up to the one whose $end stopped. */
  readonly lines: readonly LineTrace[]
  /** For `bounce` and `defer`: why. */
  readonly noRoute?: { readonly kind: NoRoute; readonly message: string }
  /** The MX answer, where it was asked for. */
  readonly mx?: MxAnswer
}
