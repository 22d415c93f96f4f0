import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'
import { alwaysHolds } from './conditions'

/** A condition that always holds, and so changes nothing. */
export const alwaysTrue: LintRule = {
  code: 'always-true',
  *find({ lines }) {
    for (const line of lines) {
      yield
      for (const condition of line.conditions.filter(alwaysHolds)) {
        const span = conditionSpan(line, condition)
        yield {
          span,
          lineKind: 'overrides',
          message: `${condition.text} always holds, so it changes nothing`,
        }
      }
    }
  },
}
