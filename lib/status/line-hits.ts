import { hashLine } from '../haraka-files/notes'
import type { RuleSet } from '../rules/compile'
import type { OverrideLine } from '../rules/types'
import type { LineHits } from './counts'

/** Hits of the override lines of one rule set, since they were last taken. */
export class LineHitCounts {
  readonly rules: RuleSet
  readonly #counts: Uint32Array
  readonly #last: Float64Array
  #touched: number[] = []

  constructor(rules: RuleSet) {
    this.rules = rules
    const places = (rules.lines.at(-1)?.line ?? 0) + 1
    this.#counts = new Uint32Array(places)
    this.#last = new Float64Array(places)
  }

  /** @param lines numbers in the file  @param at milliseconds since the epoch */
  add(lines: readonly number[], at: number): void {
    for (const line of lines) {
      if (this.#counts[line]!++ === 0) this.#touched.push(line)
      this.#last[line] = at
    }
  }

  /** The hits by `hashLine`, which begin anew. */
  take(): Record<string, LineHits> {
    const hits: Record<string, LineHits> = {}
    for (const line of this.#touched) {
      const found = findLine(this.rules.lines, line)
      if (found === undefined) continue
      const key = hashLine(found.text)
      const count = (hits[key]?.count ?? 0) + this.#counts[line]!
      hits[key] = { count, last: Math.max(hits[key]?.last ?? 0, this.#last[line]!) }
      this.#counts[line] = 0
    }
    this.#touched = []
    return hits
  }
}

/** The line of that number. Lines are in file order. */
export function findLine(lines: readonly OverrideLine[], number: number): OverrideLine | undefined {
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (lines[middle]!.line < number) low = middle + 1
    else high = middle
  }
  return lines[low]?.line === number ? lines[low] : undefined
}
