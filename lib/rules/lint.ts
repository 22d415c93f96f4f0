import { maskLine } from './mask'
import { type LongText, partsOf } from '../model/long-text'
import { finish, type Steps } from '../model/steps'
import { linesOf } from '../source/lines'
import { Report } from '../source/report'
import type { Diagnostic } from '../source/diagnostic'
import type { RuleSet } from './compile'
import { alwaysTrue } from './lint/always-true'
import { equalPriority } from './lint/equal-priority'
import { certificateEnds } from './lint/certificate-ends'
import { noEffect } from './lint/no-effect'
import { idlePriority } from './lint/idle-priority'
import { contradiction } from './lint/contradiction'
import type { LintInput, LintRule } from './lint/lint-rule'
import { lateRetries } from './lint/late-retries'
import { unanchoredRegex } from './lint/unanchored-regex'
import { oddWildcard } from './lint/odd-wildcard'
import { Reach } from './lint/reach'
import { readablePassword } from './lint/readable-password'
import { recipientReply } from './lint/recipient-reply'
import { unreachableAttempts } from './lint/unreachable-attempts'
import { unreachable } from './lint/unreachable'
import { unmeetableAddress } from './lint/unmeetable-address'
import { unknownReply } from './lint/unknown-reply'
import { unusedRelay } from './lint/unused-relay'

/** Every warning there is. */
export const LINT_RULES: readonly LintRule[] = Object.freeze([
  unreachable,
  contradiction,
  alwaysTrue,
  noEffect,
  equalPriority,
  idlePriority,
  lateRetries,
  unusedRelay,
  readablePassword,
  certificateEnds,
  unanchoredRegex,
  oddWildcard,
  unmeetableAddress,
  recipientReply,
  unknownReply,
  unreachableAttempts,
])

/** A file whose every part is right. */
interface Linted {
  readonly file: string
  readonly rules: RuleSet
}

/** What the warnings need beside the rules. */
export interface LintContext {
  /** The text of the file. */
  readonly text: string | LongText
  /** Haraka's retry intervals, seconds. */
  readonly retryIntervalsSeconds: readonly number[]
  /** Permission bits of the file, where they are known. */
  readonly fileMode?: number
  /** Milliseconds since the epoch. Absent: nothing is said that depends on it. */
  readonly now?: number
}

/**
 * Warnings of what is legal but probably unintended, in order of line and column. Each is given only where it can be proved for every
 * message.
 */
export const lint = (configuration: Linted, context: LintContext): readonly Diagnostic[] =>
  finish(lintInSteps(configuration, context))

/** As {@link lint}, in steps: for a server at work. */
export function* lintInSteps(
  configuration: Linted,
  { text, retryIntervalsSeconds, fileMode, now }: LintContext,
): Steps<readonly Diagnostic[]> {
  const { rules } = configuration
  const { lines, relays, directTerms, attempts } = rules
  const source = Array.from(linesOf(partsOf(text)), (line) => line.text)
  const input: LintInput = {
    lines,
    reach: yield* Reach.make(lines, (domain, work) => rules.linesFor(domain, work)),
    relays,
    directTerms,
    attempts,
    findAttempts: (domain) => rules.findAttempts(domain),
    retryIntervalsSeconds,
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(now === undefined ? {} : { now }),
  }
  const report = new Report(configuration.file, maskLine)
  for (const { code, find } of LINT_RULES) {
    for (const found of find(input)) {
      yield
      if (found === undefined) continue
      const { span, lineKind, message, help } = found
      const line = { line: span.line, text: source[span.line - 1] ?? '', kind: lineKind }
      report.warning(line, span, code, message, help)
    }
  }
  return report.diagnostics
}
