import { eachInSteps, type Steps } from '../model/steps'
import { copyText } from './copy-text'
import { hashOf, NameTable, tableSize } from './name-table'
import { matchesFolded } from './wildcard'

/** What an index finds. */
interface Indexed {
  /** As `parseDomainPattern` gives it, a text in memory of its own. */
  readonly pattern: string
}

/** How a pattern is looked up, see {@link PatternIndex}. */
type Shape =
  | { readonly kind: 'exact' | 'everything' | 'suffix' }
  /** What is before its first wildcard, and what is after its last. */
  | { readonly kind: 'odd'; readonly head: string; readonly tail: string }

const EXACT: Shape = { kind: 'exact' }
const EVERYTHING: Shape = { kind: 'everything' }
const SUFFIX: Shape = { kind: 'suffix' }

function shapeOf(pattern: string): Shape {
  const first = pattern.search(/[*?]/)
  if (first === -1) return EXACT
  if (pattern === '*') return EVERYTHING
  const last = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?'))
  if (last === 0 && pattern.startsWith('*.')) return SUFFIX
  return { kind: 'odd', head: pattern.slice(0, first), tail: pattern.slice(last + 1) }
}

/** Counts what a look-up costs beyond a few steps: the patterns that were matched one by one. */
export interface Work {
  matched: number
}

/**
 * How many patterns there are of each shape, and how many share a literal. Of a literal only the hash is kept: a `Map` of 100,000 would
 * be made anew at one go when it grows. Two that share a hash are counted as one, which changes what a look-up costs, not what it finds.
 */
class Census {
  readonly #counts = { exact: 0, everything: 0, suffix: 0, odd: 0 }
  readonly #heads: Uint32Array
  readonly #tails: Uint32Array

  /** @param most patterns that are added */
  constructor(most: number) {
    const length = tableSize(most)
    this.#heads = new Uint32Array(length)
    this.#tails = new Uint32Array(length)
  }

  add(shape: Shape): void {
    this.#counts[shape.kind]++
    if (shape.kind !== 'odd') return
    this.#heads[this.#slotOf(shape.head)]!++
    this.#tails[this.#slotOf(shape.tail)]!++
  }

  count(kind: Shape['kind']): number {
    return this.#counts[kind]
  }

  /** Of how many patterns this is the head; infinity: it is empty, so that it does not help to look them up. */
  countHead(head: string): number {
    return head === '' ? Infinity : this.#heads[this.#slotOf(head)]!
  }

  /** As {@link countHead}, of a tail. */
  countTail(tail: string): number {
    return tail === '' ? Infinity : this.#tails[this.#slotOf(tail)]!
  }

  #slotOf(literal: string): number {
    return hashOf(literal, 0) & (this.#heads.length - 1)
  }
}

/** Items by a literal of their patterns, and the lengths such literals have: to look a domain up is to cut it at each length. */
class LiteralMap<T> {
  readonly #items: NameTable<T>
  readonly #lengths = new Set<number>()

  /** @param most items that are added */
  constructor(most: number) {
    this.#items = new NameTable(most)
  }

  add(literal: string, item: T): void {
    this.#items.add(copyText(literal), item)
    this.#lengths.add(literal.length)
  }

  /** @param each called with the items of each literal that the domain has */
  find(
    domain: string,
    cut: (domain: string, length: number) => string,
    each: (items: readonly T[]) => void,
  ): void {
    for (const length of this.#lengths) {
      if (length <= domain.length) each(this.#items.find(cut(domain, length)))
    }
  }

  get isEmpty(): boolean {
    return this.#lengths.size === 0
  }
}

const cutTail = (text: string, length: number) => text.slice(text.length - length)
const cutHead = (text: string, length: number) => text.slice(0, length)

/**
 * Domain patterns, indexed so that a lookup takes no longer however many patterns do not match:
 *
 * - a pattern without wildcard: a table by the name;
 * - `*.suffix`: a table by the suffix, asked once for each label of the domain;
 * - `*`: a list of its own, all of which match;
 * - any other with a literal before its first wildcard or after its last (`mail?.x.example`, `*foo.example`, `mail.*`): a table
 *   by one of the two, whichever is shared by fewer patterns, asked once for each length that such literals have; then matched;
 * - what is left (`*.co.*`, `?*`): a list, matched one by one. Only here do lines about other domains cost anything.
 */
export class PatternIndex<T extends Indexed> {
  readonly #exact: NameTable<T>
  readonly #suffix: NameTable<T>
  readonly #everything: T[] = []
  readonly #heads: LiteralMap<T>
  readonly #tails: LiteralMap<T>
  readonly #rest: T[] = []
  readonly #placeOf: (item: T) => number

  private constructor(census: Census, placeOf: (item: T) => number) {
    this.#exact = new NameTable(census.count('exact'))
    this.#suffix = new NameTable(census.count('suffix'))
    this.#heads = new LiteralMap(census.count('odd'))
    this.#tails = new LiteralMap(census.count('odd'))
    this.#placeOf = placeOf
  }

  /**
   * The index of these items, in two rounds: first it is counted what there is, so that no table has to grow.
   *
   * @param items in their order
   * @param placeOf where an item stands among the others: the order in which they are found
   */
  static *of<T extends Indexed>(items: readonly T[], placeOf: (item: T) => number): Steps<PatternIndex<T>> {
    const census = new Census(items.length)
    yield* eachInSteps(items, ({ pattern }) => census.add(shapeOf(pattern)))
    const index = new PatternIndex<T>(census, placeOf)
    yield* eachInSteps(items, (item) => index.#add(item, census))
    return index
  }

  #add(item: T, census: Census): void {
    const { pattern } = item
    const shape = shapeOf(pattern)
    switch (shape.kind) {
      case 'exact':
        return this.#exact.add(pattern, item)
      case 'suffix':
        return this.#suffix.add(copyText(pattern.slice(2)), item)
      case 'everything':
        this.#everything.push(item)
        return
      case 'odd':
        return this.#addOdd(item, shape, census)
      default:
        shape satisfies never
    }
  }

  #addOdd(item: T, { head, tail }: { readonly head: string; readonly tail: string }, census: Census): void {
    const [heads, tails] = [census.countHead(head), census.countTail(tail)]
    if (heads === Infinity && tails === Infinity) this.#rest.push(item)
    else if (heads < tails) this.#heads.add(head, item)
    else this.#tails.add(tail, item)
  }

  /** The items of all patterns that match, in order. `domain` is in lower case. Makes no list where one kind alone matches. */
  find(domain: string, work?: Work): readonly T[] {
    let found = this.#merge(this.#everything, this.#exact.find(domain))
    if (!this.#suffix.isEmpty) {
      for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
        found = this.#merge(found, this.#suffix.find(domain, dot + 1))
      }
    }
    if (this.#rest.length === 0 && this.#tails.isEmpty && this.#heads.isEmpty) return found
    return this.#merge(found, this.#findOdd(domain, work))
  }

  /** Those with odd wildcards. */
  #findOdd(domain: string, work: Work | undefined): readonly T[] {
    const odd: T[] = []
    const match = (items: readonly T[]) => {
      if (work !== undefined) work.matched += items.length
      for (const item of items) if (matchesFolded(item.pattern, domain)) odd.push(item)
    }
    this.#tails.find(domain, cutTail, match)
    this.#heads.find(domain, cutHead, match)
    match(this.#rest)
    return odd.length < 2 ? odd : odd.sort((a, b) => this.#placeOf(a) - this.#placeOf(b))
  }

  /** Two lists in order as one; if one of them is empty, the other itself. */
  #merge(a: readonly T[], b: readonly T[]): readonly T[] {
    if (a.length === 0) return b
    if (b.length === 0) return a
    const merged: T[] = []
    let i = 0
    let j = 0
    while (i < a.length && j < b.length) {
      merged.push(this.#placeOf(a[i]!) < this.#placeOf(b[j]!) ? a[i++]! : b[j++]!)
    }
    while (i < a.length) merged.push(a[i++]!)
    while (j < b.length) merged.push(b[j++]!)
    return merged
  }
}
