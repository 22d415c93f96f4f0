import { patternSpan } from '../places'
import type { LintRule } from './lint-rule'

/** A line after one with `$end` that matches every message that this one would match. */
export const unreachable: LintRule = {
  code: 'unreachable',
  find: ({ reach }) =>
    [...reach.shadowed].map(([line, over]) => ({
      span: patternSpan(line),
      lineKind: 'overrides',
      message: `no message can reach this line: line ${over.line} matches whatever it would, and ends with $end`,
      help: {
        expected: 'this line before the other, if it is the exception',
        related: { line: over.line, message: `${over.pattern} ... $end` },
      },
    })),
}
