import { copyText } from './copy-text'
import { NameTable } from './name-table'
import { matchesFolded } from './wildcard'

/** A wildcard pattern and what it stands for. */
interface IndexEntry<T> {
  readonly item: T
  readonly pattern: string
}

/** A wildcard pattern, not yet in the index. */
interface Pending<T> extends IndexEntry<T> {
  /** What is before the first wildcard. */
  readonly head: string
  /** What is after the last. */
  readonly tail: string
}

/** Counts what a look-up costs beyond a few steps: the patterns that were matched one by one. */
export interface Work {
  matched: number
}

/** Entries by a literal of theirs, and the lengths such literals have: to look a domain up is to cut it at each length. */
class LiteralMap<T> {
  readonly #entries = new NameTable<IndexEntry<T>>()
  readonly #lengths = new Set<number>()

  add(literal: string, entry: IndexEntry<T>): void {
    this.#entries.add(copyText(literal), entry)
    this.#lengths.add(literal.length)
  }

  /** @param each called with the entries of each literal that the domain has */
  find(
    domain: string,
    cut: (domain: string, length: number) => string,
    each: (entries: readonly IndexEntry<T>[]) => void,
  ): void {
    for (const length of this.#lengths) {
      if (length <= domain.length) each(this.#entries.find(cut(domain, length)))
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
export class PatternIndex<T> {
  readonly #exact = new NameTable<T>()
  readonly #suffix = new NameTable<T>()
  readonly #everything: T[] = []
  readonly #heads = new LiteralMap<T>()
  readonly #tails = new LiteralMap<T>()
  readonly #rest: IndexEntry<T>[] = []
  readonly #placeOf: (item: T) => number
  #pending: Pending<T>[] = []
  readonly #headCounts = new Map<string, number>()
  readonly #tailCounts = new Map<string, number>()

  /** @param placeOf where an item stands among the others: the order in which they are found */
  constructor(placeOf: (item: T) => number) {
    this.#placeOf = placeOf
  }

  /** `pattern` is as `parseDomainPattern` gives it, and a text in memory of its own. Items must come in their order. */
  add(pattern: string, item: T): void {
    const first = pattern.search(/[*?]/)
    if (first === -1) {
      this.#exact.add(pattern, item)
      return
    }
    const last = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?'))
    if (first === last && first === 0 && pattern[0] === '*') {
      if (pattern.length === 1) this.#everything.push(item)
      else if (pattern[1] === '.') this.#suffix.add(copyText(pattern.slice(2)), item)
      else this.#defer(pattern, item, first, last)
      return
    }
    this.#defer(pattern, item, first, last)
  }

  #defer(pattern: string, item: T, first: number, last: number): void {
    const head = pattern.slice(0, first)
    const tail = pattern.slice(last + 1)
    this.#headCounts.set(head, (this.#headCounts.get(head) ?? 0) + 1)
    this.#tailCounts.set(tail, (this.#tailCounts.get(tail) ?? 0) + 1)
    this.#pending.push({ item, pattern, head, tail })
  }

  /** Puts the patterns with odd wildcards in their places: known only when all are there. Yields now and then. */
  *finish(): Generator<undefined, void> {
    let count = 0
    for (const { item, pattern, head, tail } of this.#pending) {
      if (++count % 256 === 0) yield
      const entry: IndexEntry<T> = { item, pattern }
      const heads = head === '' ? Infinity : this.#headCounts.get(head)!
      const tails = tail === '' ? Infinity : this.#tailCounts.get(tail)!
      if (heads === Infinity && tails === Infinity) this.#rest.push(entry)
      else if (heads < tails) this.#heads.add(head, entry)
      else this.#tails.add(tail, entry)
    }
    this.#pending = []
    this.#headCounts.clear()
    this.#tailCounts.clear()
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
    const match = (entries: readonly IndexEntry<T>[]) => {
      if (work !== undefined) work.matched += entries.length
      for (const { item, pattern } of entries) if (matchesFolded(pattern, domain)) odd.push(item)
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
