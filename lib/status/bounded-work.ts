import { setTimeout as sleep } from 'node:timers/promises'

/** The longest wait for one answer. */
const PATIENCE_MS = 5_000
/** Answers that are worked on at once: what strangers ask for must not fill the resolver's queue. */
const MOST_AT_ONCE = 4

/** What is said in place of an answer. */
export type NoAnswer = { readonly kind: 'no answer'; readonly why: string }

const noAnswer = (why: string): NoAnswer => ({ kind: 'no answer', why })

/** Work that anybody may ask for, and that may wait for DNS: a few at once, and for a few seconds. */
export class BoundedWork {
  #running = 0

  /** What the work gives, or why there is nothing. Never rejects, and answers within 5 s. */
  async run<T>(work: () => Promise<T>): Promise<T | NoAnswer> {
    if (this.#running >= MOST_AT_ONCE) return noAnswer('Too many requests at once: ask again')
    this.#running++
    const stop = new AbortController()
    const done = work()
      .catch((error: unknown) => noAnswer(error instanceof Error ? error.message : String(error)))
      .finally(() => this.#running--)
    const late = sleep(PATIENCE_MS, noAnswer(`No answer within ${PATIENCE_MS / 1000} s: DNS is slow`), {
      signal: stop.signal,
      ref: false,
    }).catch(() => noAnswer(''))
    try {
      return await Promise.race([done, late])
    } finally {
      stop.abort()
    }
  }
}
