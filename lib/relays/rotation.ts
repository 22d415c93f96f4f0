/** Gives each message the next rotation offset, so that messages begin with different relays of `[attempts]`. */
export interface Rotation {
  next(): number
}

/** The rotation of one process. */
export class LocalRotation implements Rotation {
  #next: number

  /** @param first offset of the first message: workers begin with different relays */
  constructor(first = 0) {
    this.#next = first
  }

  next(): number {
    const offset = this.#next
    this.#next = (offset + 1) % Number.MAX_SAFE_INTEGER
    return offset
  }
}
