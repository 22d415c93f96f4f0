import type { WaitReason, WorkerFacts } from './facts'

/** A message that should have been tried again so long ago is gone: somebody has removed it from the queue. Milliseconds. */
const GRACE = 60_000
/** The most messages that are counted. */
const MOST = 1_000_000
/** Messages that are looked at in one go, whether they are gone: 2,000 each second would take half a percent of a processor. */
const LOOKED_AT = 100

/** Why a message waits, until when (milliseconds since the epoch), and for which sections. */
interface CountedWait {
  readonly why: WaitReason
  readonly until: number
  readonly at: readonly string[]
}

/** Messages that wait without an attempt being counted, and why. */
export class WaitCounts {
  readonly #messages = new Map<object, CountedWait>()
  readonly #byReason = new Map<string, number>()
  readonly #bySection = new Map<string, number>()

  add(message: object, wait: CountedWait): void {
    this.remove(message)
    if (this.#messages.size >= MOST) return
    // Not what else the caller knows of it: there may be very many.
    this.#messages.set(message, { why: wait.why, until: wait.until, at: wait.at })
    this.#change(wait, 1)
  }

  /** It is tried again. */
  remove(message: object): void {
    const wait = this.#messages.get(message)
    if (wait === undefined) return
    this.#messages.delete(message)
    this.#change(wait, -1)
  }

  count(now: number): Pick<WorkerFacts, 'waiting' | 'waitingAt'> {
    this.#removeGone(now)
    return { waiting: Object.fromEntries(this.#byReason), waitingAt: Object.fromEntries(this.#bySection) }
  }

  /** Looks at those that were not looked at for longest. */
  #removeGone(now: number): void {
    let left = Math.min(LOOKED_AT, this.#messages.size)
    for (const [message, wait] of this.#messages) {
      if (left-- === 0) break
      if (wait.until + GRACE < now) this.remove(message)
      else {
        this.#messages.delete(message)
        this.#messages.set(message, wait)
      }
    }
  }

  #change({ why, at }: CountedWait, by: 1 | -1): void {
    addTo(this.#byReason, why, by)
    for (const section of at) addTo(this.#bySection, section, by)
  }
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
