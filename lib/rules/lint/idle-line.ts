import { DEFAULT_PRIORITY, relayKey } from '../../model/exchange'
import type { OverrideLine } from '../types'
import { sameCondition } from './conditions'
import type { LintRule } from './kind'

/** What tells the server of a line from another, and its priority; undefined for `$direct`. */
function serverOf({ target, priority }: OverrideLine): { key: string; priority: number } | undefined {
  if (target.kind === 'direct') return undefined
  const { relay } = target
  return { key: relayKey(relay), priority: priority ?? relay.priority ?? DEFAULT_PRIORITY }
}

const usesDns = (line: OverrideLine) => line.addDns || line.target.kind === 'direct'

/** Does `later` add nothing to what `earlier` has added? */
function addsNothing(earlier: OverrideLine, later: OverrideLine): boolean {
  if (later.end || (usesDns(later) && !usesDns(earlier))) return false
  const added = serverOf(later)
  // one that cannot be decided while DNS fails defers the message, whatever is there already
  if (added === undefined) return !later.conditions.some(({ needsMx }) => needsMx)
  const there = serverOf(earlier)
  return there !== undefined && there.key === added.key && there.priority <= added.priority
}

function sameWords(a: OverrideLine, b: OverrideLine): boolean {
  return (
    a.pattern.text === b.pattern.text &&
    a.conditions.length === b.conditions.length &&
    a.conditions.every((condition) => b.conditions.some((other) => sameCondition(condition, other)))
  )
}

/** A line that adds only what an earlier one has added already whenever it matches: a duplicate, or nearly. */
export const idleLine: LintRule = {
  code: 'no-effect',
  find: ({ lines, reach }) =>
    lines.flatMap((line) => {
      if (reach.isDead(line) || line.end) return []
      const earlier = reach.covering(line, (other) => !reach.isDead(other) && addsNothing(other, line))
      if (earlier === undefined) return []
      const message = sameWords(earlier, line)
        ? `this line says the same as line ${earlier.line}`
        : `this line adds nothing: line ${earlier.line} matches whenever it does, and adds the same server`
      return [
        {
          span: line.pattern.span,
          shown: 'overrides' as const,
          message,
          help: { related: { line: earlier.line, message: earlier.pattern.text } },
        },
      ]
    }),
}
