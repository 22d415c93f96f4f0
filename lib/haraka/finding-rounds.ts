/** Findings that are remembered. */
const MOST_KEYS = 32

/** Tells which of the equal findings of several processes is the first of its round. */
export class FindingRounds {
  readonly #finders = new Map<string, Set<number>>()

  /**
   * Notes a finding of a process.
   *
   * @returns whether it is news: nobody has found it, or this process finds it for a second time
   */
  isNews(process: number, key: string): boolean {
    const finders = this.#finders.get(key)
    if (finders !== undefined && !finders.has(process)) {
      finders.add(process)
      return false
    }
    this.#finders.delete(key)
    this.#finders.set(key, new Set([process]))
    const [oldest] = this.#finders.keys()
    if (this.#finders.size > MOST_KEYS && oldest !== undefined) this.#finders.delete(oldest)
    return true
  }
}
