import type { HarakaMxClass } from './haraka-mx'

/** How long the name is used before it is asked for again, milliseconds. */
const NAME_AGE = 1_000

/**
 * The name by which this server greets others: `config/me`, or the machine's. Haraka 3.3.4 (`haraka-net-utils` `HarakaMx`) looks it
 * up for each object without `bind_helo`, which costs 5 to 9 us an address. Here it is asked of that class once a second.
 */
export class OwnHelo {
  readonly #now: () => number
  #name: string | undefined
  #askedAt = -Infinity

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Undefined if Haraka's class does not know it (it is so in Haraka's own tests). */
  get(HarakaMx: HarakaMxClass): string | undefined {
    const now = this.#now()
    if (Math.abs(now - this.#askedAt) > NAME_AGE) {
      this.#name = new HarakaMx({}).bind_helo
      this.#askedAt = now
    }
    return this.#name
  }
}
