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

/** What is known of a server that failed, as processes tell each other. Times count from now, so that no clocks are compared. */
export interface Trouble {
  /** Failures in a row that each began a pause; 1 or more. */
  readonly failures: number
  /** The whole pause, milliseconds. */
  readonly pauseMs: number
  /** What is left of it, milliseconds; 0: it is over. */
  readonly openMs: number
  /** How long another process may still try the server, milliseconds; 0: none does. */
  readonly trialMs: number
  readonly lastFailure: string
}

/** A message tries the server. */
interface Trial {
  until: number
  readonly isOwn: boolean
}

/**
 * Leaves out a server that failed: for `retryAfterMs`, then one message tries it, and the pause doubles up to an hour as long
 * as that goes on. Pure: the clock comes with each call.
 */
export class Breaker {
  #failures = 0
  #openUntil: number | undefined
  #pauseMs = 0
  #trial: Trial | undefined
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
    if (now < this.#openUntil) return { state: 'open', until: this.#openUntil }
    const trial = this.#trial
    if (trial !== undefined) trial.until = Math.min(trial.until, now + TRIAL_TIME_MS)
    if (trial !== undefined && now < trial.until) return { state: 'trial', until: trial.until }
    return { state: 'half-open' }
  }

  /** Takes the one trial of a half-open breaker. Gives back what frees it again if nothing came of it. */
  takeTrial(now: number): () => void {
    const trial = { until: now + TRIAL_TIME_MS, isOwn: true }
    this.#trial = trial
    return () => {
      if (this.#trial === trial) this.#trial = undefined
    }
  }

  noteSuccess(): void {
    this.#failures = 0
    this.#openUntil = undefined
    this.#trial = undefined
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
    this.#trial = undefined
    return true
  }

  /** What other processes should know; undefined: the server works. */
  trouble(now: number): Trouble | undefined {
    const view = this.view(now)
    if (view.state === 'closed') return undefined
    return {
      failures: this.#failures,
      pauseMs: this.#pauseMs,
      openMs: view.state === 'open' ? view.until - now : 0,
      trialMs: 0,
      lastFailure: this.#lastFailure ?? '',
    }
  }

  /** Takes over what another process knows. A trial of this one goes on unless another process has it. */
  adopt(trouble: Trouble | undefined, now: number): void {
    if (trouble === undefined) {
      this.noteSuccess()
      return
    }
    const { failures, pauseMs, openMs, trialMs, lastFailure } = trouble
    this.#failures = failures
    this.#pauseMs = pauseMs
    this.#openUntil = now + openMs
    this.#lastFailure = lastFailure
    if (trialMs > 0) this.#trial = { until: now + trialMs, isOwn: false }
    else if (this.#trial?.isOwn !== true) this.#trial = undefined
  }
}
