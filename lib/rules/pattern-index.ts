import { matchesFolded } from './wildcard'

/** A wildcard pattern and the number of what it stands for. */
interface IndexEntry {
  readonly id: number
  readonly pattern: string
}

/** A wildcard pattern, not yet in the index. */
interface Pending extends IndexEntry {
  /** What is before the first wildcard. */
  readonly head: string
  /** What is after the last. */
  readonly tail: string
}

/** Counts what a look-up costs beyond a few steps: the patterns that were matched one by one. */
export interface Work {
  matched: number
}

/** One number by itself, several as a list: most patterns are in a file once, and a list takes ten times the room. */
type Numbers = number | number[]

function addNumber(map: Map<string, Numbers>, key: string, id: number): void {
  const found = map.get(key)
  if (found === undefined) map.set(key, id)
  else if (typeof found === 'number') map.set(key, [found, id])
  else found.push(id)
}

const NOTHING: readonly number[] = Object.freeze([])

/** Two ascending lists as one; whichever is alone comes back itself. */
function merge(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const merged: number[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) merged.push(a[i]! < b[j]! ? a[i++]! : b[j++]!)
  while (i < a.length) merged.push(a[i++]!)
  while (j < b.length) merged.push(b[j++]!)
  return merged
}

/** The list with what a map has for a name. */
function mergeFound(found: readonly number[], numbers: Numbers | undefined): readonly number[] {
  if (numbers === undefined) return found
  return merge(found, typeof numbers === 'number' ? [numbers] : numbers)
}

/** Entries by a literal of theirs, and the lengths such literals have: to look a domain up is to cut it at each length. */
class LiteralMap {
  readonly #entries = new Map<string, IndexEntry[]>()
  readonly #lengths = new Set<number>()

  add(literal: string, entry: IndexEntry): void {
    const entries = this.#entries.get(literal)
    if (entries === undefined) this.#entries.set(literal, [entry])
    else entries.push(entry)
    this.#lengths.add(literal.length)
  }

  /** @param each called with the entries of each literal that the domain has */
  find(
    domain: string,
    cut: (domain: string, length: number) => string,
    each: (entries: readonly IndexEntry[]) => void,
  ): void {
    for (const length of this.#lengths) {
      if (length > domain.length) continue
      const found = this.#entries.get(cut(domain, length))
      if (found !== undefined) each(found)
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
 * - a pattern without wildcard: a map by the name;
 * - `*.suffix`: a map by the suffix, asked once for each label of the domain;
 * - `*`: a list of its own, all of which match;
 * - any other with a literal before its first wildcard or after its last (`mail?.x.example`, `*foo.example`, `mail.*`): a map
 *   by one of the two, whichever is shared by fewer patterns, asked once for each length that such literals have; then matched;
 * - what is left (`*.co.*`, `?*`): a list, matched one by one. Only here do lines about other domains cost anything.
 */
export class PatternIndex {
  readonly #exact = new Map<string, Numbers>()
  readonly #suffix = new Map<string, Numbers>()
  readonly #everything: number[] = []
  readonly #heads = new LiteralMap()
  readonly #tails = new LiteralMap()
  readonly #rest: IndexEntry[] = []
  #pending: Pending[] = []
  readonly #headCounts = new Map<string, number>()
  readonly #tailCounts = new Map<string, number>()

  /** `pattern` is as `parseDomainPattern` gives it. Numbers must come in ascending order. */
  add(pattern: string, id: number): void {
    const first = pattern.search(/[*?]/)
    if (first === -1) {
      addNumber(this.#exact, pattern, id)
      return
    }
    const last = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?'))
    if (first === last && first === 0 && pattern[0] === '*') {
      if (pattern.length === 1) this.#everything.push(id)
      else if (pattern[1] === '.') addNumber(this.#suffix, pattern.slice(2), id)
      else this.#defer(pattern, id, first, last)
      return
    }
    this.#defer(pattern, id, first, last)
  }

  #defer(pattern: string, id: number, first: number, last: number): void {
    const head = pattern.slice(0, first)
    const tail = pattern.slice(last + 1)
    this.#headCounts.set(head, (this.#headCounts.get(head) ?? 0) + 1)
    this.#tailCounts.set(tail, (this.#tailCounts.get(tail) ?? 0) + 1)
    this.#pending.push({ id, pattern, head, tail })
  }

  /** Puts the patterns with odd wildcards in their places: known only when all are there. Yields now and then. */
  *finish(): Generator<undefined, void> {
    let count = 0
    for (const { id, pattern, head, tail } of this.#pending) {
      if (++count % 256 === 0) yield
      const entry: IndexEntry = { id, pattern }
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

  /** The numbers of all patterns that match, ascending. `domain` is in lower case. Makes no list where one kind alone matches. */
  find(domain: string, work?: Work): readonly number[] {
    let found: readonly number[] = this.#everything
    if (this.#exact.size > 0) found = mergeFound(found, this.#exact.get(domain))
    if (this.#suffix.size > 0) {
      for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
        found = mergeFound(found, this.#suffix.get(domain.slice(dot + 1)))
      }
    }
    if (this.#rest.length === 0 && this.#tails.isEmpty && this.#heads.isEmpty) return found
    return merge(found, this.#findOdd(domain, work))
  }

  /** Those with odd wildcards. */
  #findOdd(domain: string, work: Work | undefined): readonly number[] {
    let odd: number[] | undefined
    const match = (entries: readonly IndexEntry[]) => {
      if (work !== undefined) work.matched += entries.length
      for (const { id, pattern } of entries) if (matchesFolded(pattern, domain)) (odd ??= []).push(id)
    }
    this.#tails.find(domain, cutTail, match)
    this.#heads.find(domain, cutHead, match)
    match(this.#rest)
    return odd === undefined ? NOTHING : odd.sort((a, b) => a - b)
  }
}
