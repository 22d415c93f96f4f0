import type { RelayFailure } from '../model/failure'
import type { Exchange } from '../model/exchange'
import type { HeldTrial } from './breaker-sharing'
import type { Place } from './limited-places'
import type { ServerRecord } from './server-records'
import { isRefused } from './trials'
import type { Lease, Unavailable } from './types'

/** What every lease needs of the state that has given it out. */
export interface LeaseServices {
  readonly succeed: (exchange: Exchange) => void
  readonly fail: (exchange: Exchange, failure: RelayFailure) => void
  /** May the message go there with the place that it has, and as whose trial? */
  readonly askTrial: (exchange: Exchange) => HeldTrial | Unavailable | Promise<HeldTrial | Unavailable>
  /** A place of this server is free again. */
  readonly leave: (record: ServerRecord, place: Place, delivered: boolean) => void
}

/** A lease of one process. Each message that is being sent has one: an object of a class is a third of one with functions of its own. */
export class ServerLease implements Lease {
  readonly #services: LeaseServices
  readonly #record: ServerRecord
  readonly #place: Place
  #exchange: Exchange
  #trial: HeldTrial
  #ended = false

  /** @param record of the server that the message goes to first */
  constructor(
    services: LeaseServices,
    exchange: Exchange,
    record: ServerRecord,
    place: Place,
    trial: HeldTrial,
  ) {
    this.#services = services
    this.#exchange = exchange
    this.#record = record
    this.#place = place
    this.#trial = trial
  }

  reportSuccess(): void {
    this.#services.succeed(this.#exchange)
  }

  reportFailure(failure: RelayFailure): void {
    this.#services.fail(this.#exchange, failure)
  }

  moveTo(exchange: Exchange): Unavailable | undefined | Promise<Unavailable | undefined> {
    const trial = this.#services.askTrial(exchange)
    return trial instanceof Promise
      ? trial.then((late) => this.#move(exchange, late))
      : this.#move(exchange, trial)
  }

  end(delivered: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#trial.free()
    this.#services.leave(this.#record, this.#place, delivered)
  }

  #move(exchange: Exchange, trial: HeldTrial | Unavailable): Unavailable | undefined {
    if (isRefused(trial)) return trial
    // The message may have ended meanwhile.
    if (this.#ended) trial.free()
    else {
      this.#trial.free()
      this.#exchange = exchange
      this.#trial = trial
    }
    return undefined
  }
}
