import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'
import { findContradiction } from './conditions'

/** A condition that never holds, or two that never hold together. */
export const contradiction: LintRule = {
  code: 'contradiction',
  *find({ lines }) {
    for (const line of lines) {
      yield
      const pair = findContradiction(line.conditions)
      if (pair === undefined) continue
      const [first, second] = pair
      const message =
        first === second
          ? `${second.text} never holds, so no message can match this line`
          : `${first.text} and ${second.text} never hold together, so no message can match this line`
      yield { span: conditionSpan(line, second), lineKind: 'overrides', message }
    }
  },
}
