const HOUR = 3_600_000
/** Messages are counted in buckets of this length: 360 numbers for an hour, however much is sent. */
const BUCKET = 10_000

/** Messages sent in any 60 minutes. Never counts too few: a bucket is forgotten when all of it is an hour ago. */
export class HourCount {
  readonly #buckets = new Map<number, number>()
  #total = 0
  #newest = -Infinity

  add(at: number, amount = 1): void {
    const bucket = Math.floor(at / BUCKET)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + amount)
    this.#total += amount
    this.#newest = Math.max(this.#newest, bucket)
  }

  total(now: number): number {
    this.#forgetFuture(now)
    for (const [bucket, amount] of this.#buckets) {
      if ((bucket + 1) * BUCKET + HOUR > now) break
      this.#buckets.delete(bucket)
      this.#total -= amount
    }
    return this.#total
  }

  /** After a clock that was ahead is put right, what it counted counts from now on, not for as long as it was ahead. */
  #forgetFuture(now: number): void {
    const current = Math.floor(now / BUCKET)
    if (this.#newest <= current) return
    for (const [bucket, amount] of this.#buckets) {
      if (bucket <= current) continue
      this.#buckets.delete(bucket)
      this.#buckets.set(current, (this.#buckets.get(current) ?? 0) + amount)
    }
    this.#newest = current
  }

  /** When the next one is forgotten, ms since the epoch. */
  freeAt(now: number): number | undefined {
    this.total(now)
    const oldest = this.#buckets.keys().next()
    return oldest.done === true ? undefined : (oldest.value + 1) * BUCKET + HOUR
  }

  /** Time and amount of each bucket, for a restart. */
  entries(now: number): [at: number, amount: number][] {
    this.total(now)
    return [...this.#buckets].map(([bucket, amount]) => [bucket * BUCKET, amount])
  }
}

/** Longest wait for a free connection that is proposed. */
const LONGEST_WAIT = 60_000
const SHORTEST_WAIT = 1_000

/** Connections in use, and when one who finds none should come again. */
export class Connections {
  #used = 0
  /** How long one lasts on average, milliseconds; learned. */
  #duration = 500
  #nextSlot = 0

  get used(): number {
    return this.#used
  }

  /** @returns what gives it back */
  take(now: number): (at: number) => void {
    this.#used++
    return (at) => {
      this.#used--
      this.#duration += (Math.max(at - now, 1) - this.#duration) / 8
    }
  }

  /**
   * When to come again. Each caller gets a later time, spaced as connections become free: thousands that wait come back one
   * after the other, not all at once, and none later than needed.
   */
  comeAgain(limit: number, now: number): number {
    const spacing = this.#duration / Math.max(limit, 1)
    const slot = Math.max(this.#nextSlot + spacing, now + SHORTEST_WAIT)
    // What is kept is no further ahead than anybody is told: a crowd, or a clock put right, is forgotten when it is over.
    this.#nextSlot = Math.min(slot, now + LONGEST_WAIT)
    return this.#nextSlot
  }
}
