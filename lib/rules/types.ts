import type { Span } from '../source/diagnostic'
import type { Decision } from '../model/decision'
import type { MxAnswer } from '../model/dns-answer'
import type { Message } from '../model/message'
import type { Relay } from '../model/relay'

/** Where an override line sends mail. */
export type Target =
  /** The server as written there. */
  | { readonly kind: 'inline'; readonly relay: Relay; readonly span: Span }
  /** `@NAME`. */
  | { readonly kind: 'named'; readonly relay: Relay & { readonly name: string }; readonly span: Span }
  /** `$direct`. */
  | { readonly kind: 'direct'; readonly span: Span }

/** What a condition may look at. The MX answer is asked for only when a condition's outcome hangs on it. */
export interface Facts {
  readonly message: Message
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

/** Whether a line matched, and if not, the first condition that failed with the value it saw. */
export type LineTrace =
  | { readonly line: number; readonly matched: true }
  | { readonly line: number; readonly matched: false; readonly reason: string }

/** A decision with what became of each line. */
export interface TracedDecision extends Decision {
  /** Lines whose domain pattern fits or not, up to the one whose $end stopped. */
  readonly lines: readonly LineTrace[]
}
