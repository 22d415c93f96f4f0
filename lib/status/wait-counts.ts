import { type WaitReason } from './facts'

/** Time after which a message that should have been tried again counts as gone: somebody has removed it from the queue. Milliseconds. */
const GRACE = 60_000
/** The most messages that are counted. */
const MOST = 1_000_000

/** Messages that wait without an attempt being counted, and why. */
export class WaitCounts {
  readonly #waiting = new Map<object, { readonly why: WaitReason; readonly until: number }>()

  /** @param until milliseconds since the epoch */
  add(message: object, why: WaitReason, until: number): void {
    if (this.#waiting.size < MOST) this.#waiting.set(message, { why, until })
  }

  /** It is tried again. */
  remove(message: object): void {
    this.#waiting.delete(message)
  }

  count(now: number): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [message, { why, until }] of this.#waiting) {
      if (until + GRACE < now) this.#waiting.delete(message)
      else counts[why] = (counts[why] ?? 0) + 1
    }
    return counts
  }
}
