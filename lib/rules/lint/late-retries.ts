import type { LintFinding, LintRule } from './lint-rule'
import { findContradiction, holdWithin } from './conditions'

/** More retries than Haraka makes before it bounces a message. */
export const lateRetries: LintRule = {
  code: 'late-retries',
  find: ({ lines, attempts, retryIntervalsSeconds }) => {
    const most = retryIntervalsSeconds.length
    const limit = `Haraka bounces a message after ${most + 1} attempts (temp_fail_intervals in outbound.ini)`
    const ofLines = lines.flatMap(({ conditions }): LintFinding[] => {
      if (findContradiction(conditions) !== undefined || holdWithin(conditions, most)) return []
      const late = conditions.find(
        (condition) => condition.attribute.name === 'retries' && !holdWithin([condition], most),
      )
      if (late === undefined) return []
      const message = `${late.text} holds for no message that Haraka has not split: ${limit}, so $retries is at most ${most}`
      return [
        {
          span: late.span,
          lineKind: 'overrides',
          message,
          help: { expected: 'fewer retries, or more intervals' },
        },
      ]
    })
    const ofAttempts = attempts.flatMap(({ direct, relay, span }): LintFinding[] => {
      if (direct + relay <= most + 1) return []
      const message = `direct=${direct} relay=${relay} are ${direct + relay} attempts, and ${limit}`
      return [
        { span, lineKind: 'attempts', message, help: { expected: 'fewer attempts, or more intervals' } },
      ]
    })
    return [...ofLines, ...ofAttempts]
  },
}
