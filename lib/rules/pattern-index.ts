import { matchesFolded } from './wildcard'

/** A wildcard pattern and the number of what it stands for. */
interface Entry {
  readonly id: number
  readonly pattern: string
}

/** A wildcard pattern, not yet in the index. */
interface Pending extends Entry {
  /** What is before the first wildcard. */
  readonly head: string
  /** What is behind the last. */
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

const listed = (numbers: Numbers): readonly number[] => (typeof numbers === 'number' ? [numbers] : numbers)

/** Entries by a literal of theirs, and the lengths such literals have: to look a domain up is to cut it at each length. */
class LiteralMap {
  readonly #entries = new Map<string, Entry[]>()
  readonly #lengths = new Set<number>()

  add(literal: string, entry: Entry): void {
    const entries = this.#entries.get(literal)
    if (entries === undefined) this.#entries.set(literal, [entry])
    else entries.push(entry)
    this.#lengths.add(literal.length)
  }

  *find(domain: string, cut: (domain: string, length: number) => string): Generator<Entry[]> {
    for (const length of this.#lengths) {
      if (length > domain.length) continue
      const found = this.#entries.get(cut(domain, length))
      if (found !== undefined) yield found
    }
  }
}

/**
 * Domain patterns, so kept that the time to find those that match a domain does not grow with the number of those that do not:
 *
 * - a pattern without wildcard: a map by the name;
 * - `*.suffix`: a map by the suffix, asked once for each label of the domain;
 * - `*`: a list of its own, all of which match;
 * - any other with a literal before its first wildcard or behind its last (`mail?.x.example`, `*foo.example`, `mail.*`): a map
 *   by one of the two, whichever fewer patterns share, asked once for each length that such literals have; then matched;
 * - what is left (`*.co.*`, `?*`): a list, matched one by one. Only here do lines about other domains cost anything.
 */
export class PatternIndex {
  readonly #exact = new Map<string, Numbers>()
  readonly #suffix = new Map<string, Numbers>()
  readonly #everything: number[] = []
  readonly #heads = new LiteralMap()
  readonly #tails = new LiteralMap()
  readonly #rest: Entry[] = []
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
  *finish(): Generator<void> {
    let count = 0
    for (const { id, pattern, head, tail } of this.#pending) {
      if (++count % 256 === 0) yield
      const entry: Entry = { id, pattern }
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

  /** The numbers of all patterns that match, ascending. `domain` is in lower case. */
  find(domain: string, work?: Work): readonly number[] {
    const lists: (readonly number[])[] = []
    const exact = this.#exact.get(domain)
    if (exact !== undefined) lists.push(listed(exact))
    if (this.#suffix.size > 0) {
      for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
        const found = this.#suffix.get(domain.slice(dot + 1))
        if (found !== undefined) lists.push(listed(found))
      }
    }
    if (this.#everything.length > 0) lists.push(this.#everything)
    const odd: number[] = []
    const matching = (entries: readonly Entry[]) => {
      if (work !== undefined) work.matched += entries.length
      for (const { id, pattern } of entries) if (matchesFolded(pattern, domain)) odd.push(id)
    }
    for (const entries of this.#tails.find(domain, (text, length) => text.slice(text.length - length)))
      matching(entries)
    for (const entries of this.#heads.find(domain, (text, length) => text.slice(0, length))) matching(entries)
    matching(this.#rest)
    if (odd.length > 0) lists.push(odd)
    if (lists.length === 1 && odd.length === 0) return lists[0]!
    return lists.flat().sort((a, b) => a - b)
  }
}
