/** Whose turn it is: each message gets the next number, so that messages begin with different relays. */
export interface Turns {
  next(): number
}

/** The turns of one process. */
export class LocalTurns implements Turns {
  #next: number

  /** @param first workers begin with different relays */
  constructor(first = 0) {
    this.#next = first
  }

  next(): number {
    const turn = this.#next
    this.#next = (turn + 1) % Number.MAX_SAFE_INTEGER
    return turn
  }
}
