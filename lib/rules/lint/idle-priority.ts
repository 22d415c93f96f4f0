import { prioritySpan } from '../places'
import type { OverrideLine } from '../types'
import type { LintRule } from './lint-rule'

/** A `$priority` that orders nothing: of `$direct`, or of a server that is always the only one. */
export const idlePriority: LintRule = {
  code: 'idle-priority',
  *find({ lines, reach }) {
    for (const line of lines) {
      yield
      if (line.priority === undefined || reach.isDead(line)) continue
      const span = prioritySpan(line)
      const { target } = line
      if (target.kind === 'direct' || target.kind === 'terms') {
        const shown = target.kind === 'direct' ? '$direct' : `@${target.direct.name}`
        const message = `$priority does nothing here: the exchanges of ${shown} keep the priorities that DNS gives them`
        yield { span, lineKind: 'overrides', message }
        continue
      }
      // When a line with $end matches, no later line is read.
      const canMeet = (other: OverrideLine) => (other.line < line.line ? !other.end : !line.end)
      if (line.addDns || !(yield* reach.standsAlone(line, canMeet))) continue
      const message =
        '$priority does nothing here: when this line matches, there is no other server to order it with'
      yield { span, lineKind: 'overrides', message }
    }
  },
}
