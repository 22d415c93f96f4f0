import { HOUR_MS } from '../model/duration'

/** The longest pause after failures: `retry_after` is never longer. Milliseconds. */
export const LONGEST_PAUSE_MS = HOUR_MS

/** How long other messages wait for the one that tries the server again, milliseconds. */
export const TRIAL_TIME_MS = 120_000

/** The state of a breaker. `open` and `trial` end at a time in ms since the epoch. */
export type BreakerView =
  | { readonly state: 'closed' }
  /** The server is left out. */
  | { readonly state: 'open'; readonly until: number }
  /** The pause is over, and nobody tries the server yet. */
  | { readonly state: 'half-open' }
  /** One message tries the server; the others do not. */
  | { readonly state: 'trial'; readonly until: number }

/** What processes share about a server that failed. Times count from now, so that clocks are not compared. */
export interface Trouble {
  /** Failures in a row that each began a pause; 1 or more. */
  readonly failures: number
  /** The whole pause, milliseconds. */
  readonly pauseMs: number
  /** The rest of it, milliseconds; 0 if it is over. */
  readonly openMs: number
  /** How long another process may still try the server, milliseconds; 0 if none does. */
  readonly trialMs: number
  readonly lastFailure: string
}

/** A message tries the server. */
interface Trial {
  until: number
  readonly isOwn: boolean
}

/**
 * Leaves out a server that failed, for `retryAfterMs`. Then one message tries it. Each time that this fails the pause doubles, up to an
 * hour. Pure: the clock comes with each call.
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
    // If a clock that was ahead has been set right, no pause lasts longer than it should.
    this.#openUntil = Math.min(this.#openUntil, now + this.#pauseMs)
    if (now < this.#openUntil) return { state: 'open', until: this.#openUntil }
    const trial = this.#trial
    if (trial !== undefined) trial.until = Math.min(trial.until, now + TRIAL_TIME_MS)
    if (trial !== undefined && now < trial.until) return { state: 'trial', until: trial.until }
    return { state: 'half-open' }
  }

  /** Takes the one trial of a half-open breaker. Returns a function that frees it again if the trial had no result. */
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
   * @returns does a pause begin? Not if the failed connection was under way when the current pause began
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

  /** What other processes should know; undefined if the server works. */
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

  /** Takes over what another process knows. A trial of this process goes on unless another process has the trial. */
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
