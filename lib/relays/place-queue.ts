/** Those who wait for a place, in the order in which they are served. */
export class PlaceQueue {
  /** Woken before, when another was quicker. */
  readonly #first = new Set<() => void>()
  readonly #rest = new Set<() => void>()

  get length(): number {
    return this.#first.size + this.#rest.size
  }

  /**
   * @param first goes before all that were not woken yet
   * @returns leaves the queue
   */
  add(wake: () => void, first: boolean): () => void {
    // The same function may wait twice.
    const waiter = () => wake()
    const part = first ? this.#first : this.#rest
    part.add(waiter)
    return () => void part.delete(waiter)
  }

  /** Wakes the one at the head. @returns whether there was one */
  wakeFirst(): boolean {
    for (const part of [this.#first, this.#rest]) {
      for (const waiter of part) {
        part.delete(waiter)
        waiter()
        return true
      }
    }
    return false
  }
}
