/** Time for which what was read for one request is given to the next ones too, milliseconds. */
const AGE_MS = 500

/** A value that takes long to be read: at most one reading at a time, and one every half second. */
export class RecentValue<T> {
  readonly #read: () => Promise<T>
  #value: Promise<T> | undefined
  /** When it was read; undefined: it is being read. */
  #at: number | undefined

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  /** Rejects as the reading does. */
  get(): Promise<T> {
    if (this.#value === undefined || (this.#at !== undefined && performance.now() - this.#at > AGE_MS)) {
      this.#at = undefined
      this.#value = this.#read().finally(() => (this.#at = performance.now()))
    }
    return this.#value
  }
}
