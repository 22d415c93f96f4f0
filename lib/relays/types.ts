import type { RelayFailure } from '../model/failure'
import type { Nexthop } from '../model/nexthop'

/** May mail go to a nexthop now, and if not, why and until when (ms since the epoch, where it is known)? */
export type Availability =
  | { readonly usable: true }
  | {
      readonly usable: false
      readonly why: 'held' | 'breaker' | 'connections' | 'quota'
      readonly message: string
      readonly until?: number
    }

/** The place of one message at one nexthop. Each method may be called once; `end` always is. */
export interface Lease {
  /** The relay did its part: connected, greeted, encrypted and authenticated as wanted. Closes its breaker. */
  succeeded(): void
  /** The relay failed. Opens its breaker. */
  failed(failure: RelayFailure): void
  /** Gives the connection back. `delivered`: the message counts against the quota. */
  end(delivered: boolean): void
}

/** One nexthop as `dns-overrides relays` and the status page show it. */
export interface NexthopStatus {
  readonly key: string
  readonly name?: string
  readonly breaker: 'closed' | 'open' | 'half-open'
  readonly failures: number
  readonly lastFailure?: string
  readonly retryAt?: number
  readonly held: boolean
  readonly connections: number
  readonly sentLastHour: number
}

/**
 * Breakers, limits and turns: what is known of relays between messages. One implementation keeps it in the process; another
 * may share it. Nothing here ever rejects or blocks delivery.
 */
export interface RelayState {
  /** What is known now. Changes nothing. */
  look(nexthop: Nexthop): Availability
  /**
   * Takes a place (connection, quota, the one trial of a half-open breaker). `lastResort`: every exchange of the decision is
   * left out by its breaker, so the breaker does not count; holds and limits still do.
   */
  enter(nexthop: Nexthop, lastResort: boolean): Lease | Extract<Availability, { usable: false }>
  /** The next ticket in the taking of turns. */
  nextTurn(): Promise<number>
  status(): readonly NexthopStatus[]
  /** Stops timers and flushes. */
  close(): void
}
