import { nexthopKey } from '../../model/nexthop'
import type { RelaySettings } from '../../config/types'
import type { OverrideLine } from '../types'
import { sameCondition } from './conditions'
import type { LintRule } from './kind'

/** What tells the server of a line from another, and its priority; undefined for `$direct`. */
function serverOf(
  line: OverrideLine,
  relays: readonly RelaySettings[],
): { readonly key: string; readonly priority: number } | undefined {
  const { target } = line
  switch (target.kind) {
    case 'direct':
      return undefined
    case 'host':
      return { key: `host ${nexthopKey(target.nexthop)}`, priority: line.priority ?? 10 }
    case 'relay': {
      const own = relays.find(({ name }) => name === target.name)?.priority
      return { key: `relay ${target.name}`, priority: line.priority ?? own ?? 10 }
    }
    default:
      return target satisfies never
  }
}

const usesDns = (line: OverrideLine) => line.addDns || line.target.kind === 'direct'

/** Does `later` add nothing to what `earlier` has added? */
function addsNothing(earlier: OverrideLine, later: OverrideLine, relays: readonly RelaySettings[]): boolean {
  if (later.end || (usesDns(later) && !usesDns(earlier))) return false
  const added = serverOf(later, relays)
  // one that cannot be decided while DNS fails defers the message, whatever is there already
  if (added === undefined) return !later.conditions.some(({ needsMx }) => needsMx)
  const there = serverOf(earlier, relays)
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
  find: ({ lines, relays, reach }) =>
    lines.flatMap((line) => {
      if (reach.isDead(line) || line.end) return []
      const earlier = reach.covering(
        line,
        (other) => !reach.isDead(other) && addsNothing(other, line, relays),
      )
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
