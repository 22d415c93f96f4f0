import type { Exchange } from '../model/exchange'
import type { BreakerSharing, HeldTrial } from './breaker-sharing'
import { breakerKey } from './section'
import type { ServerRecords } from './server-records'
import type { Unavailable } from './types'
import { explainBreaker, explainTrial } from './unavailable'

const NO_TRIAL: HeldTrial = { free: () => {} }

/** Is the trial another message's? */
export const isRefused = (trial: HeldTrial | Unavailable): trial is Unavailable => 'usable' in trial

export interface TrialsOptions {
  readonly records: ServerRecords
  /** Where breakers are shared with other processes; undefined: they are not. */
  readonly sharing: BreakerSharing | undefined
  /** Milliseconds since the epoch. */
  readonly wall: () => number
}

/** Gives out the trials of breakers that are half-open: one message over all processes that share them. */
export class Trials {
  readonly #options: TrialsOptions

  constructor(options: TrialsOptions) {
    this.#options = options
  }

  /** @returns a promise where other processes must be asked; never for a last resort, which goes whatever they do */
  take(exchange: Exchange, lastResort: boolean): HeldTrial | Promise<HeldTrial | Unavailable> {
    const { records, sharing, wall } = this.#options
    const breaker = records.breaker(exchange)
    if (breaker?.view(wall()).state !== 'half-open') return NO_TRIAL
    // At once: another message of this process asks for nothing.
    const freeHere = breaker.takeTrial(wall())
    const asked = lastResort ? undefined : sharing?.askTrial(breakerKey(exchange))
    if (asked === undefined) return { free: freeHere }
    return asked.then((shared) => {
      const free = () => {
        freeHere()
        shared?.free()
      }
      if (shared !== undefined) return { free }
      freeHere()
      return explainBreaker(exchange, breaker, wall()) ?? explainTrial(exchange, breaker)
    })
  }
}
