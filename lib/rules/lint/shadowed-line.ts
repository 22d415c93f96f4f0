import type { LintRule } from './kind'
import { shadowed } from './reach'

/** A line behind one with `$end` that matches whatever this one would. */
export const shadowedLine: LintRule = {
  code: 'unreachable',
  find: ({ lines }) =>
    [...shadowed(lines)].map(([line, over]) => ({
      span: line.pattern.span,
      shown: 'overrides',
      message: `no message can reach this line: line ${over.line} matches whatever it would, and ends with $end`,
      help: {
        expected: 'this line before the other, if it is the exception',
        related: { line: over.line, message: `${over.pattern.text} ... $end` },
      },
    })),
}
