import { sameServer } from '../../model/exchange'
import { patternSpan } from '../places'
import type { OverrideLine } from '../types'
import { isSameCondition } from './conditions'
import type { LintRule } from './lint-rule'

const usesDns = (line: OverrideLine) => line.addDns || line.exchange === undefined

const termsOf = ({ target }: OverrideLine) => (target.kind === 'terms' ? target.direct : undefined)

/** Does `later` add nothing to what `earlier` has added? */
function addsNothing(earlier: OverrideLine, later: OverrideLine): boolean {
  if (later.end || (usesDns(later) && !usesDns(earlier))) return false
  const { exchange: added } = later
  if (termsOf(earlier) !== termsOf(later)) return false
  // One that cannot be decided while DNS fails defers the message, whatever is there already.
  if (added === undefined) return !later.conditions.some(({ kind }) => kind === 'mx')
  const { exchange: there } = earlier
  return there !== undefined && sameServer(there, added) && there.priority <= added.priority
}

function saysTheSame(a: OverrideLine, b: OverrideLine): boolean {
  return (
    a.pattern === b.pattern &&
    a.conditions.length === b.conditions.length &&
    a.conditions.every((condition) => b.conditions.some((other) => isSameCondition(condition, other)))
  )
}

/** A line that adds only what an earlier one has added already whenever it matches: a duplicate, or nearly. */
export const noEffect: LintRule = {
  code: 'no-effect',
  *find({ lines, reach }) {
    for (const line of lines) {
      yield
      if (reach.isDead(line) || line.end) continue
      const earlier = yield* reach.covering(line, (other) => !reach.isDead(other) && addsNothing(other, line))
      if (earlier === undefined) continue
      const message = saysTheSame(earlier, line)
        ? `this line says the same as line ${earlier.line}`
        : `this line adds nothing: line ${earlier.line} matches whenever it does, and adds the same server`
      yield {
        span: patternSpan(line),
        lineKind: 'overrides',
        message,
        help: { related: { line: earlier.line, message: earlier.pattern } },
      }
    }
  },
}
