import { exchangeKey, type Exchange } from '../../model/exchange'
import { patternSpan } from '../places'
import type { OverrideLine } from '../types'
import type { LintRule } from './lint-rule'

/** The server of a line without a priority of its own. */
function unorderedServer(line: OverrideLine): Exchange | undefined {
  const { exchange, priority } = line
  return priority === undefined && exchange?.relay?.priority === undefined ? exchange : undefined
}

/**
 * Two lines that one message can match, with servers of equal priority: which of them is tried first is random, and that is
 * seldom what a second line was written for. A written priority says that it is.
 */
export const equalPriority: LintRule = {
  code: 'equal-priority',
  *find({ lines, reach }) {
    const unordered = lines.filter((line) => unorderedServer(line) !== undefined && !reach.isDead(line))
    const going = new Set(unordered.filter(({ end }) => !end))
    for (const line of unordered) {
      yield
      const server = unorderedServer(line)!
      const earlier = yield* reach.findCompanion(
        line,
        going,
        (other) => exchangeKey(unorderedServer(other)!) !== exchangeKey(server),
      )
      if (earlier === undefined) continue
      const message = `line ${earlier.line} can match the same message, and both servers have priority ${server.priority}: which is tried first is random`
      yield {
        span: patternSpan(line),
        lineKind: 'overrides',
        message,
        help: {
          expected: `$end on line ${earlier.line}, or a $priority on one of them`,
          related: { line: earlier.line, message: earlier.pattern },
        },
      }
    }
  },
}
