import { hashLine } from '../haraka-files/notes'
import type { Steps } from '../model/steps'
import type { RuleSet } from '../rules/compile'
import type { OverrideLine } from '../rules/types'
import type { LineHits } from './counts'
import type { HitsByLine } from './facts'

/** An override line with its hits. */
export interface CountedLine {
  readonly line: OverrideLine
  /** Absent: never hit, or nothing counts. */
  readonly hits?: LineHits
}

/** The override lines of one rule set, by their hashes. */
export class LineIndex {
  readonly rules: RuleSet
  /** In the order of the lines. */
  readonly #keys: readonly string[]

  private constructor(rules: RuleSet, keys: readonly string[]) {
    this.rules = rules
    this.#keys = keys
  }

  /**
   * Hashing 100,000 lines takes 0.2 s, so it is done once for each rule set, in steps.
   *
   * @param last comes back if it is of the same rules
   */
  static *of(rules: RuleSet, last: LineIndex | undefined): Steps<LineIndex> {
    if (last?.rules === rules) return last
    const keys: string[] = []
    for (const { text } of rules.lines) {
      if (keys.push(hashLine(text)) % 64 === 0) yield
    }
    return new LineIndex(rules, keys)
  }

  /** Each line with its hits, in file order. */
  *count(hits: HitsByLine): Steps<readonly CountedLine[]> {
    const counted: CountedLine[] = []
    for (const [index, line] of this.rules.lines.entries()) {
      const found = hits.get(this.#keys[index]!)
      if (counted.push(found === undefined ? { line } : { line, hits: found }) % 1024 === 0) yield
    }
    return counted
  }

  /** The first line of a hash. */
  find(key: string): OverrideLine | undefined {
    const index = this.#keys.indexOf(key)
    return index === -1 ? undefined : this.rules.lines[index]
  }
}
