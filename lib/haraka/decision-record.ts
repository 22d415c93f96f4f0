import type { Decision } from '../model/decision'
import type { Message } from '../model/message'
import type { Located } from '../routing/route'
import type { RuleSet } from '../rules/compile'
import type { DecisionSlot } from '../status/decision-ring'
import type { Action } from '../status/decision-counts'
import type { Recorder } from '../status/recorder'
import type { GetMxOutcome } from './answer'
import { logDecision } from './log-line'
import type { HMailItem } from '../haraka-objects/outbound'
import type { Loggable } from '../haraka-objects/plugin'

/** What an outcome is in the log. */
const ACTIONS: Readonly<Record<GetMxOutcome['kind'], Action>> = {
  deliver: 'try',
  bounce: 'bounce',
  'null-mx': 'bounce',
  defer: 'defer',
  wait: 'wait',
}

/** A message, and what becomes of it at `get_mx`. */
export interface FinalDecision {
  readonly hmail: HMailItem
  readonly message: Message
  readonly decision: Decision
  /** The rules that decided. */
  readonly rules: RuleSet
  readonly located: readonly Located[]
  readonly outcome: GetMxOutcome
  /** Since when this plugin has worked on it, milliseconds on the clock of `performance.now()`. */
  readonly startedAt: number
}

/**
 * Counts a decision, and logs it.
 *
 * @param log undefined: the line is not wanted
 * @returns its place among the last ones
 */
export function recordDecision(
  final: FinalDecision,
  recorder: Recorder,
  log: Loggable | undefined,
): DecisionSlot {
  const { hmail, message, decision, rules, located, outcome, startedAt } = final
  const milliseconds = performance.now() - startedAt
  const reason = outcome.kind === 'deliver' ? {} : { reason: outcome.reason }
  const logged = {
    message,
    decision,
    located,
    action: ACTIONS[outcome.kind],
    file: hmail.filename,
    ...reason,
  }
  if (log !== undefined) logDecision(log, logged)
  return recorder.recordDecision(hmail.todo.uuid ?? '', logged, { rules, milliseconds })
}
