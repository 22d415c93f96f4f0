import type { OverrideLine } from '../types'
import { contradiction, exclude, implies } from './conditions'
import { covers, overlap } from './patterns'

/** Does `earlier` match every message that `later` matches? */
export function coversLine(earlier: OverrideLine, later: OverrideLine): boolean {
  return (
    covers(earlier.pattern.text, later.pattern.text) &&
    earlier.conditions.every((condition) => implies(later.conditions, condition))
  )
}

/** May one message match both lines? */
export function mayMeet(a: OverrideLine, b: OverrideLine): boolean {
  return overlap(a.pattern.text, b.pattern.text) && !exclude(a.conditions, b.conditions)
}

/** Lines that some earlier line with `$end` keeps every message from, each with that line. */
export function shadowed(lines: readonly OverrideLine[]): ReadonlyMap<OverrideLine, OverrideLine> {
  const found = new Map<OverrideLine, OverrideLine>()
  const exact = new Map<string, OverrideLine[]>()
  const wild: OverrideLine[] = []
  for (const line of lines) {
    const pattern = line.pattern.text
    const over = [...(exact.get(pattern) ?? []), ...wild].find((earlier) => coversLine(earlier, line))
    if (over !== undefined) found.set(line, over)
    if (!line.end) continue
    if (/[*?]/.test(pattern)) wild.push(line)
    else exact.set(pattern, [...(exact.get(pattern) ?? []), line])
  }
  return found
}

/** Lines that no message can match, for whatever reason. */
export function unreachable(lines: readonly OverrideLine[]): ReadonlySet<OverrideLine> {
  const impossible = lines.filter(({ conditions }) => contradiction(conditions) !== undefined)
  return new Set([...shadowed(lines).keys(), ...impossible])
}
