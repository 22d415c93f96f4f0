import type { DecisionSlot } from '../status/decision-ring'
import type { Action } from '../status/decision-counts'
import type { Recorder } from '../status/recorder'
import type { GetMxOutcome } from './answer'
import type { DecidedMessage, FoundOutcome } from './find-outcome'
import { logDecision } from './log-line'
import type { Loggable } from '../haraka-objects/plugin'

/** What an outcome is in the log. */
const ACTIONS: Readonly<Record<GetMxOutcome['kind'], Action>> = {
  deliver: 'try',
  bounce: 'bounce',
  'null-mx': 'bounce',
  defer: 'defer',
  wait: 'wait',
}

/** A message, and since when this plugin has worked on it, milliseconds on the clock of `performance.now()`. */
export interface TimedMessage extends DecidedMessage {
  readonly startedAt: number
}

/**
 * Counts a decision, and logs it.
 *
 * @param log undefined: the line is not wanted
 * @returns its place among the last ones
 */
export function recordDecision(
  { hmail, message, decision, basis, startedAt }: TimedMessage,
  { outcome, located }: FoundOutcome,
  recorder: Recorder,
  log: Loggable | undefined,
): DecisionSlot {
  const milliseconds = performance.now() - startedAt
  const logged = {
    message,
    decision,
    located,
    action: ACTIONS[outcome.kind],
    file: hmail.filename,
    reason: outcome.kind === 'deliver' ? undefined : outcome.reason,
  }
  if (log !== undefined) logDecision(log, logged)
  return recorder.recordDecision(hmail.todo.uuid ?? '', logged, {
    rules: basis.configuration.rules,
    milliseconds,
  })
}
