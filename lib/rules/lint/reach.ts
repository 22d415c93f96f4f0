import type { OverrideLine } from '../types'
import { contradiction, exclude, implies } from './conditions'
import { covers, overlap, sampleOf } from './patterns'

/**
 * Comparisons of two lines before a search gives up: thousands of lines about the same domains must not make an operator wait.
 * What is not compared is not warned of.
 */
const MOST_COMPARISONS = 200_000

/** Which lines a message can come to, and which of them it can meet together. */
export class Reach {
  /** Lines that some earlier line with `$end` keeps every message from, each with that line. */
  readonly shadowed: ReadonlyMap<OverrideLine, OverrideLine>
  readonly #dead: ReadonlySet<OverrideLine>
  readonly #candidates: (domain: string) => readonly OverrideLine[]
  #comparisons = 0

  /**
   * @param lines in file order
   * @param candidates the lines whose pattern matches a domain, in file order
   */
  constructor(
    readonly lines: readonly OverrideLine[],
    candidates: (domain: string) => readonly OverrideLine[],
  ) {
    this.#candidates = candidates
    this.shadowed = new Map(
      lines.flatMap((line) => {
        const over = this.covering(line, ({ end }) => end)
        return over === undefined ? [] : [[line, over] as const]
      }),
    )
    const impossible = lines.filter(({ conditions }) => contradiction(conditions) !== undefined)
    this.#dead = new Set([...this.shadowed.keys(), ...impossible])
  }

  /** Is there, surely, no message that matches this line? */
  isDead(line: OverrideLine): boolean {
    return this.#dead.has(line)
  }

  /** The first earlier line that is wanted and matches every message that this one matches. */
  covering(line: OverrideLine, wanted: (earlier: OverrideLine) => boolean): OverrideLine | undefined {
    if (this.#comparisons > MOST_COMPARISONS) return undefined
    // a pattern that covers another matches each text that the other matches, and so this one
    for (const earlier of this.#candidates(sampleOf(line.pattern.text))) {
      if (earlier.line >= line.line || this.#comparisons > MOST_COMPARISONS) return undefined
      this.#comparisons++
      if (!wanted(earlier)) continue
      if (coversLine(earlier, line)) return earlier
    }
    return undefined
  }

  /** Can it be ruled out that one message matches this line and one of the others that are wanted? */
  standsAlone(line: OverrideLine, wanted: (other: OverrideLine) => boolean): boolean {
    if (this.#comparisons > MOST_COMPARISONS) return false
    const { text } = line.pattern
    const others = /[*?]/.test(text) ? this.lines : this.#candidates(text)
    return others.every((other) => {
      if (other === line || this.isDead(other) || !wanted(other)) return true
      if (this.#comparisons++ > MOST_COMPARISONS) return false
      return !overlap(text, other.pattern.text) || exclude(line.conditions, other.conditions)
    })
  }
}

function coversLine(earlier: OverrideLine, later: OverrideLine): boolean {
  return (
    covers(earlier.pattern.text, later.pattern.text) &&
    earlier.conditions.every((condition) => implies(later.conditions, condition))
  )
}
