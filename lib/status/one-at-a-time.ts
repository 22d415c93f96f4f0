/** Work of several requests, one after the other: each works for a few milliseconds in a turn of the event loop, and many would add up. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  /** What the work gives, as soon as what came before is done. Rejects as the work does. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}
