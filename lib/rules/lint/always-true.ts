import type { LintRule } from './lint-rule'
import { alwaysHolds } from './conditions'

/** A condition that always holds, and so changes nothing. */
export const alwaysTrue: LintRule = {
  code: 'always-true',
  *find({ lines }) {
    for (const { conditions } of lines) {
      yield
      for (const { text, span } of conditions.filter(alwaysHolds)) {
        yield { span, lineKind: 'overrides', message: `${text} always holds, so it changes nothing` }
      }
    }
  },
}
