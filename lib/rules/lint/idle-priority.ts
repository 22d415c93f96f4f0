import type { OverrideLine } from '../types'
import type { LintRule } from './lint-rule'

/** A `$priority` that orders nothing: of `$direct`, or of a server that is always the only one. */
export const idlePriority: LintRule = {
  code: 'idle-priority',
  find: ({ lines, reach }) =>
    lines.flatMap((line) => {
      if (line.priority === undefined || reach.isDead(line)) return []
      const { span } = line.priority
      const { target } = line
      if (target.kind === 'direct' || target.kind === 'terms') {
        const shown = target.kind === 'direct' ? '$direct' : `@${target.direct.name}`
        const message = `$priority does nothing here: the exchanges of ${shown} keep the priorities that DNS gives them`
        return [{ span, lineKind: 'overrides' as const, message }]
      }
      // When a line with $end matches, no later line is read.
      const canMeet = (other: OverrideLine) => (other.line < line.line ? !other.end : !line.end)
      if (line.addDns || !reach.standsAlone(line, canMeet)) return []
      const message =
        '$priority does nothing here: when this line matches, there is no other server to order it with'
      return [{ span, lineKind: 'overrides' as const, message }]
    }),
}
