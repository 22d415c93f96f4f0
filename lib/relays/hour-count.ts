import { HOUR_MS } from '../model/duration'

/** Messages are counted in buckets of this length: 360 numbers for an hour, however much is sent. */
const BUCKET_MS = 10_000

/**
 * Messages sent in any 60 minutes. It never counts too few: a bucket is forgotten when all of it is more than an hour old. Times are
 * milliseconds of a clock that only goes forward.
 */
export class HourCount {
  readonly #buckets = new Map<number, number>()
  #total = 0

  /** @param at not before the one that was added last */
  add(at: number, amount = 1): void {
    const bucket = Math.floor(at / BUCKET_MS)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + amount)
    this.#total += amount
  }

  total(now: number): number {
    for (const [bucket, amount] of this.#buckets) {
      if ((bucket + 1) * BUCKET_MS + HOUR_MS > now) break
      this.#buckets.delete(bucket)
      this.#total -= amount
    }
    return this.#total
  }

  /** When the next bucket is forgotten; undefined if nothing is counted. */
  freeAt(now: number): number | undefined {
    this.total(now)
    const oldest = this.#buckets.keys().next()
    return oldest.done === true ? undefined : (oldest.value + 1) * BUCKET_MS + HOUR_MS
  }

  /** Time and amount of each bucket, the oldest first. The time is the latest at which one of them was sent. */
  entries(now: number): [at: number, amount: number][] {
    this.total(now)
    return [...this.#buckets].map(([bucket, amount]) => [Math.min((bucket + 1) * BUCKET_MS - 1, now), amount])
  }
}
