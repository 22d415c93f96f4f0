import type { Decision } from '../model/decision'
import type { Exchange } from '../model/exchange'
import type { Relay } from '../model/relay'
import type { DirectTerms } from '../model/terms'
import type { Condition } from './conditions/condition'

/** Where an override line sends mail. */
export type Target =
  /** The server as written there. */
  | { readonly kind: 'inline'; readonly relay: Relay }
  /** `@NAME`. */
  | { readonly kind: 'named'; readonly relay: Relay & { readonly name: string } }
  /** `@NAME` of a section `[direct:NAME]`: the domain's own servers on these terms. */
  | { readonly kind: 'terms'; readonly direct: DirectTerms & { readonly name: string } }
  /** `$direct`. */
  | { readonly kind: 'direct' }

/** One override line. Readonly data; where its parts are says `places.ts`. */
export interface OverrideLine {
  readonly line: number
  /** As `parseDomainPattern` gives it. */
  readonly pattern: string
  readonly target: Target
  /** Those that need no DNS first, else in the order of the line. */
  readonly conditions: readonly Condition[]
  /** `$priority`, where it is written. */
  readonly priority: number | undefined
  readonly end: boolean
  readonly addDns: boolean
  /** Does the line have a condition on `$reply`? */
  readonly readsReply: boolean
  /** Does the line have a condition on `$rcpt`? */
  readonly readsRecipient: boolean
  /** `$again`: the wait after the refusal that the line asks for, milliseconds. */
  readonly againMs: number | undefined
  /** What the line adds to a decision; undefined for `$direct` and terms, which add the domain's own servers. The same object in every decision. */
  readonly exchange: Exchange | undefined
  /** The line as written, passwords masked. */
  readonly text: string
}

/** Whether a line matched, and if not, the first condition that failed with the value it saw. */
export type LineTrace =
  | { readonly line: number; readonly matched: true }
  | { readonly line: number; readonly matched: false; readonly reason: string }

/** A decision with what became of each line. */
export interface TracedDecision extends Decision {
  /** The lines that are for the domain, up to the one whose $end stopped. */
  readonly lines: readonly LineTrace[]
  /** How many lines of the file stand up to there, for whatever domain. */
  readonly linesRead: number
}
