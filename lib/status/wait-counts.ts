import type { WaitReason, WorkerFacts } from './facts'

/** A message that should have been tried again so long ago is gone: somebody has removed it from the queue. Milliseconds. */
const GRACE = 60_000
/** The most messages that are counted. */
const MOST = 1_000_000

/** Why a message waits, until when (milliseconds since the epoch), and for which sections. */
interface CountedWait {
  readonly why: WaitReason
  readonly until: number
  readonly at: readonly string[]
}

/** Messages that wait without an attempt being counted, and why. */
export class WaitCounts {
  readonly #waiting = new Map<object, CountedWait>()

  add(message: object, wait: CountedWait): void {
    if (this.#waiting.size < MOST) this.#waiting.set(message, wait)
  }

  /** It is tried again. */
  remove(message: object): void {
    this.#waiting.delete(message)
  }

  count(now: number): Pick<WorkerFacts, 'waiting' | 'waitingAt'> {
    const waiting = new Map<string, number>()
    const waitingAt = new Map<string, number>()
    for (const [message, { why, until, at }] of this.#waiting) {
      if (until + GRACE < now) {
        this.#waiting.delete(message)
        continue
      }
      waiting.set(why, (waiting.get(why) ?? 0) + 1)
      for (const section of at) waitingAt.set(section, (waitingAt.get(section) ?? 0) + 1)
    }
    return { waiting: Object.fromEntries(waiting), waitingAt: Object.fromEntries(waitingAt) }
  }
}
