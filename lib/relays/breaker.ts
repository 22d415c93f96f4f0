import { HOUR_MS } from '../model/duration'

/** The longest pause after failures: `retry_after` is never longer. Milliseconds. */
export const LONGEST_PAUSE_MS = HOUR_MS

/** How long other messages wait for the one that tries the server again. Milliseconds. */
export const TRIAL_TIME_MS = 120_000

/** What a breaker says at one moment. `open` and `trial` until a time in ms since the epoch. */
export type BreakerView =
  | { readonly state: 'closed' }
  /** Left out. */
  | { readonly state: 'open'; readonly until: number }
  /** The pause is over and nobody tries yet. */
  | { readonly state: 'half-open' }
  /** One message tries; the others keep away. */
  | { readonly state: 'trial'; readonly until: number }

/**
 * Leaves out a server that failed: for `retryAfterMs`, then one message tries it, and the pause doubles up to an hour as long
 * as that goes on. Pure: the clock comes with each call.
 */
export class Breaker {
  #failures = 0
  #openUntil: number | undefined
  #pauseMs = 0
  #trialUntil: number | undefined
  #lastFailure: string | undefined

  /** Failures in a row that each began a pause. */
  get failures(): number {
    return this.#failures
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  view(now: number): BreakerView {
    if (this.#openUntil === undefined) return { state: 'closed' }
    // A clock that was ahead was put right: no pause lasts longer than it was meant to.
    this.#openUntil = Math.min(this.#openUntil, now + this.#pauseMs)
    if (this.#trialUntil !== undefined) this.#trialUntil = Math.min(this.#trialUntil, now + TRIAL_TIME_MS)
    if (now < this.#openUntil) return { state: 'open', until: this.#openUntil }
    if (this.#trialUntil !== undefined && now < this.#trialUntil)
      return { state: 'trial', until: this.#trialUntil }
    return { state: 'half-open' }
  }

  /** Takes the one trial of a half-open breaker. Gives back what frees it again if nothing came of it. */
  takeTrial(now: number): () => void {
    const until = now + TRIAL_TIME_MS
    this.#trialUntil = until
    return () => {
      if (this.#trialUntil === until) this.#trialUntil = undefined
    }
  }

  noteSuccess(): void {
    this.#failures = 0
    this.#openUntil = undefined
    this.#trialUntil = undefined
    this.#lastFailure = undefined
  }

  /**
   * @param retryAfterMs the first pause, milliseconds; an hour at most
   * @returns whether a pause begins: a failure of something that was under way when it began is not another one
   */
  noteFailure(message: string, retryAfterMs: number, now: number): boolean {
    this.#lastFailure = message
    if (this.view(now).state === 'open') return false
    this.#pauseMs = Math.min(retryAfterMs * 2 ** Math.min(this.#failures, 40), LONGEST_PAUSE_MS)
    this.#openUntil = now + this.#pauseMs
    this.#failures++
    this.#trialUntil = undefined
    return true
  }
}
