/** The line for places: who waits, in the order in which they are served. */
export class PlaceQueue {
  /** Those who were woken before, when another was quicker. */
  readonly #first = new Set<() => void>()
  readonly #rest = new Set<() => void>()

  get length(): number {
    return this.#first.size + this.#rest.size
  }

  /**
   * @param first go before all that were not woken yet?
   * @returns a function that leaves the queue
   */
  add(wake: () => void, first: boolean): () => void {
    // A function that waits may be added twice.
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
