import type { Steps } from '../../model/steps'
import type { Work } from '../pattern-index'
import type { OverrideLine } from '../types'
import { findContradiction, exclude, implies } from './conditions'
import { covers, overlap, sampleOf } from './patterns'

/**
 * Comparisons of two lines before a search gives up: thousands of lines about the same domains must not make an operator wait.
 * What is not compared is not warned of.
 */
const MOST_COMPARISONS = 200_000

/** Comparisons of one step. */
const STEP = 64

/** The same for patterns with odd wildcards, which the index matches one by one: much cheaper than a comparison. */
const MOST_MATCHES = 10_000_000

type LinesFor = (domain: string, work: Work) => readonly OverrideLine[]

/** Which lines a message can come to, and which of them it can meet together. */
export class Reach {
  /** Lines that no message reaches because of an earlier line with `$end`, each with that line. */
  shadowed: ReadonlyMap<OverrideLine, OverrideLine> = new Map()
  #dead: ReadonlySet<OverrideLine> = new Set()
  readonly #linesFor: LinesFor
  readonly #work: Work = { matched: 0 }
  #comparisons = 0
  /** Steps of {@link findCompanion}, which has a bound of its own. */
  #steps = 0

  private constructor(
    readonly lines: readonly OverrideLine[],
    linesFor: LinesFor,
  ) {
    this.#linesFor = linesFor
  }

  /**
   * @param lines in file order
   * @param linesFor the lines whose pattern matches a domain, in file order
   */
  static *make(lines: readonly OverrideLine[], linesFor: LinesFor): Steps<Reach> {
    const reach = new Reach(lines, linesFor)
    const shadowed = new Map<OverrideLine, OverrideLine>()
    const dead = new Set<OverrideLine>()
    for (const line of lines) {
      const over = yield* reach.covering(line, ({ end }) => end)
      if (over !== undefined) shadowed.set(line, over)
      if (over !== undefined || findContradiction(line.conditions) !== undefined) dead.add(line)
      yield
    }
    reach.shadowed = shadowed
    reach.#dead = dead
    return reach
  }

  get #exhausted(): boolean {
    return this.#comparisons > MOST_COMPARISONS || this.#work.matched > MOST_MATCHES
  }

  /** Is it proved that no message can match this line? */
  isDead(line: OverrideLine): boolean {
    return this.#dead.has(line)
  }

  /** The first earlier line that is wanted and matches every message that this one matches. */
  *covering(line: OverrideLine, wanted: (earlier: OverrideLine) => boolean): Steps<OverrideLine | undefined> {
    if (this.#exhausted) return undefined
    // a pattern that covers another matches each text that the other matches, and so this one
    for (const earlier of this.#linesFor(sampleOf(line.pattern), this.#work)) {
      if (earlier.line >= line.line || this.#comparisons > MOST_COMPARISONS) return undefined
      if (this.#comparisons++ % STEP === 0) yield
      if (!wanted(earlier)) continue
      if (coversLine(earlier, line)) return earlier
    }
    return undefined
  }

  /** Can it be ruled out that one message matches this line and one of the others that are wanted? */
  *standsAlone(line: OverrideLine, wanted: (other: OverrideLine) => boolean): Steps<boolean> {
    if (this.#exhausted) return false
    const { pattern } = line
    const others = /[*?]/.test(pattern) ? this.lines : this.#linesFor(pattern, this.#work)
    for (const other of others) {
      if (other === line || this.isDead(other) || !wanted(other)) continue
      if (this.#comparisons++ > MOST_COMPARISONS) return false
      if (this.#comparisons % STEP === 0) yield
      if (overlap(pattern, other.pattern) && !exclude(line.conditions, other.conditions)) return false
    }
    return true
  }

  /**
   * The first earlier line that some message can match together with this one, as far as can be proved.
   *
   * @param among the lines in question, in file order
   * @param wanted what else must be true of it
   */
  *findCompanion(
    line: OverrideLine,
    among: ReadonlySet<OverrideLine>,
    wanted: (earlier: OverrideLine) => boolean,
  ): Steps<OverrideLine | undefined> {
    const { pattern } = line
    const others = /[*?]/.test(pattern) ? among : this.#linesFor(pattern, this.#work)
    for (const other of others) {
      if (other.line >= line.line || this.#steps++ > MOST_COMPARISONS) return undefined
      if (this.#steps % STEP === 0) yield
      if (!among.has(other) || !wanted(other) || !overlap(pattern, other.pattern)) continue
      if (!exclude(line.conditions, other.conditions)) return other
    }
    return undefined
  }
}

function coversLine(earlier: OverrideLine, later: OverrideLine): boolean {
  return (
    covers(earlier.pattern, later.pattern) &&
    earlier.conditions.every((condition) => implies(later.conditions, condition))
  )
}
