import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'
import { findContradiction, holdWithin } from './conditions'

/** More retries than Haraka makes before it bounces a message. */
export const lateRetries: LintRule = {
  code: 'late-retries',
  *find({ lines, attempts, retryIntervalsSeconds }) {
    const most = retryIntervalsSeconds.length
    const limit = `Haraka bounces a message after ${most + 1} attempts (temp_fail_intervals in outbound.ini)`
    for (const line of lines) {
      const { conditions } = line
      yield
      if (findContradiction(conditions) !== undefined || holdWithin(conditions, most)) continue
      const late = conditions.find(
        (condition) => condition.attribute.name === 'retries' && !holdWithin([condition], most),
      )
      if (late === undefined) continue
      const message = `${late.text} can hold only for a message that Haraka has split: ${limit}, so $retries is at most ${most}`
      yield {
        span: conditionSpan(line, late),
        lineKind: 'overrides',
        message,
        help: { expected: 'fewer retries, or more intervals' },
      }
    }
    for (const { direct, relay, span } of attempts) {
      if (direct + relay <= most + 1) continue
      const message = `direct=${direct} relay=${relay} are ${direct + relay} attempts, and ${limit}`
      yield { span, lineKind: 'attempts', message, help: { expected: 'fewer attempts, or more intervals' } }
    }
  },
}
