import type { Help } from '../../source/report'
import type { AttemptsEntry, DirectSettings, RelaySettings } from '../../config/types'
import type { DiagnosticCode, Span } from '../../source/diagnostic'
import type { OverrideLine } from '../types'
import type { Reach } from './reach'

/** What is known of a file whose every part is right. */
export interface LintInput {
  readonly lines: readonly OverrideLine[]
  readonly reach: Reach
  readonly relays: readonly RelaySettings[]
  readonly directTerms: readonly DirectSettings[]
  readonly attempts: readonly AttemptsEntry[]
  /** The entries of `attempts` whose pattern matches a domain, in file order. */
  readonly findAttempts: (domain: string) => readonly AttemptsEntry[]
  /** Haraka's retry intervals: a message has one attempt more than there are intervals. */
  readonly retryIntervalsSeconds: readonly number[]
  /** Permission bits of the file, where they are known. */
  readonly fileMode?: number
  /** Milliseconds since the epoch. Absent: nothing is said that depends on it. */
  readonly now?: number
}

/** One doubtful place. `lineKind`: what kind of line it is in, which decides how much of it may be shown. */
export interface LintFinding {
  readonly span: Span
  readonly lineKind: 'overrides' | 'relay' | 'header' | 'attempts' | 'redis'
  readonly message: string
  readonly help?: Help
}

/** One kind of warning. */
export interface LintRule {
  /** The code of each of its diagnostics. */
  readonly code: DiagnosticCode
  /** A list; or, where it may take long, one finding after the other: undefined is a step after which others may have their turn. */
  readonly find: (input: LintInput) => Iterable<LintFinding | undefined>
}
