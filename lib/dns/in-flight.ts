/** Limits how many queries are open at once. The others wait, in the order in which they came. */
export class InFlight {
  readonly #limit: number
  readonly #queue = new Set<() => void>()
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get running(): number {
    return this.#running
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Calls `start` now, or when its turn comes. Call {@link InFlight.leave} once for each start. */
  enter(start: () => void): void {
    if (this.#running < this.#limit) {
      this.#running++
      start()
    } else {
      this.#queue.add(start)
    }
  }

  /** Gives up waiting. False if `start` has been called already. */
  withdraw(start: () => void): boolean {
    return this.#queue.delete(start)
  }

  leave(): void {
    for (const start of this.#queue) {
      this.#queue.delete(start)
      start()
      return
    }
    this.#running--
  }
}
