import { hashLine } from '../haraka-files/notes'
import type { Steps } from '../model/steps'
import type { RuleSet } from '../rules/compile'
import type { OverrideLine } from '../rules/types'
import type { LineHits } from './counts'
import { type HitScope, visitHits } from './facts-file'
import { placesOfLargest } from './largest'

/** An override line with its hits. */
export interface CountedLine {
  readonly line: OverrideLine
  /** Absent: never hit, or nothing counts. */
  readonly hits?: LineHits
}

/** Numbers of one step. */
const STEP = 4_096

/** The override lines of one rule set, by their hashes. */
export class LineIndex {
  readonly rules: RuleSet
  /** The place of the first line of each hash. */
  readonly #places: HashTable
  /** Of each line the first place with the same text, and so the same hits. */
  readonly #first: Uint32Array

  private constructor(rules: RuleSet, places: HashTable, first: Uint32Array) {
    this.rules = rules
    this.#places = places
    this.#first = first
  }

  /**
   * Hashing 100,000 lines takes 0.1 s, so it is done once for each rule set, in steps.
   *
   * @param last comes back if it is of the same rules
   */
  static *of(rules: RuleSet, last: LineIndex | undefined): Steps<LineIndex> {
    if (last?.rules === rules) return last
    const places = new HashTable(rules.lines.length)
    const first = new Uint32Array(rules.lines.length)
    for (const [place, { text }] of rules.lines.entries()) {
      first[place] = places.add(hashLine(text), place)
      if (place % 64 === 0) yield
    }
    return new LineIndex(rules, places, first)
  }

  /** The first line of a hash. */
  find(key: string): OverrideLine | undefined {
    const place = this.#places.find(key)
    return place === undefined ? undefined : this.rules.lines[place]
  }

  /**
   * Each line with its hits.
   *
   * @param folder the state folder; undefined: nothing is counted
   * @param scope as {@link visitHits}
   * @throws Error as `fs` does
   */
  *count(folder: string | undefined, scope: HitScope = 'server'): Steps<CountedLines> {
    const { lines } = this.rules
    const counts = new Float64Array(lines.length)
    const last = new Float64Array(lines.length)
    if (folder !== undefined) {
      const visit = (key: string, count: number, at: number) => {
        const place = this.#places.find(key)
        if (place === undefined) return
        counts[place] = count
        last[place] = at
      }
      yield* visitHits(folder, visit, scope)
    }
    let total = 0
    let neverHit = 0
    for (let place = 0; place < counts.length; place++) {
      const first = this.#first[place]!
      counts[place] = counts[first]!
      last[place] = last[first]!
      total += counts[place]!
      if (counts[place] === 0) neverHit++
      if (place % STEP === 0) yield
    }
    return new CountedLines({ lines, counts, last, total, neverHit })
  }
}

/**
 * Places by hashes, in plain numbers: a map of 100,000 texts takes 15 MB, and all of it is copied when garbage is collected. Of a hash
 * 52 of its 64 bits are compared: two of a million lines are the same in one of 10,000 files.
 */
class HashTable {
  /** The hash of each slot; 0: the slot is free. */
  readonly #hashes: Float64Array
  readonly #places: Uint32Array

  /** @param most hashes that are added */
  constructor(most: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * most + 2))
    this.#hashes = new Float64Array(slots)
    this.#places = new Uint32Array(slots)
  }

  /** @returns the place of the hash: the one that was added first */
  add(key: string, place: number): number {
    const slot = this.#slotOf(key)
    if (this.#hashes[slot] === 0) {
      this.#hashes[slot] = numberOf(key)
      this.#places[slot] = place
    }
    return this.#places[slot]!
  }

  find(key: string): number | undefined {
    const slot = this.#slotOf(key)
    return this.#hashes[slot] === 0 ? undefined : this.#places[slot]
  }

  /** Where a hash is, or else the free slot where it would be. */
  #slotOf(key: string): number {
    const hash = numberOf(key)
    const { length } = this.#hashes
    let slot = hash % length
    while (this.#hashes[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) % length
    return slot
  }
}

/** Never 0. */
const numberOf = (key: string): number => parseInt(key.slice(0, 13), 16) + 1

/** Of each line, by its place in the file: plain numbers, because objects for 100,000 lines would be garbage at once. */
interface LineNumbers {
  readonly lines: readonly OverrideLine[]
  readonly counts: Float64Array
  readonly last: Float64Array
  /** Hits of all lines. */
  readonly total: number
  /** Lines without a hit. */
  readonly neverHit: number
}

/** The override lines of a file with their hits, in file order. */
export class CountedLines {
  readonly #numbers: LineNumbers

  constructor(numbers: LineNumbers) {
    this.#numbers = numbers
  }

  get length(): number {
    return this.#numbers.lines.length
  }

  /** Hits of all lines. */
  get total(): number {
    return this.#numbers.total
  }

  /** Lines without a hit. */
  get neverHit(): number {
    return this.#numbers.neverHit
  }

  /** The lines from a place on, in file order. */
  slice(from: number, most: number): readonly CountedLine[] {
    return this.#numbers.lines.slice(from, from + most).map((_, index) => this.#at(from + index))
  }

  /** The lines without a hit from the one with that number among them on, in file order. In steps. */
  *sliceOfNeverHit(from: number, most: number): Steps<readonly CountedLine[]> {
    const { counts } = this.#numbers
    const found: CountedLine[] = []
    let skipped = 0
    for (let place = 0; place < counts.length && found.length < most; place++) {
      if (counts[place] === 0 && skipped++ >= from) found.push(this.#at(place))
      if (place % STEP === 0) yield
    }
    return found
  }

  /** The lines with most hits, most first. In steps. */
  *busiest(most: number): Steps<readonly CountedLine[]> {
    const { counts } = this.#numbers
    const places = yield* placesOfLargest(counts.length, most, (place) => counts[place]!)
    return places.filter((place) => counts[place]! > 0).map((place) => this.#at(place))
  }

  #at(place: number): CountedLine {
    const { lines, counts, last } = this.#numbers
    const line = lines[place]!
    const count = counts[place]!
    return count === 0 ? { line } : { line, hits: { count, last: last[place]! } }
  }
}
