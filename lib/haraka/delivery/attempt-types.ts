import type { Decision } from '../../model/decision'
import type { Exchange } from '../../model/exchange'
import type { Availability, Lease } from '../../relays/types'

/** One address of an exchange: what one connection goes to. */
export interface Candidate {
  readonly exchange: Exchange
  readonly address: string
}

/** What happens next in an attempt. */
export type AttemptStep<C extends Candidate> =
  /** Connect there. `inClear`: TLS broke there before, so do without. */
  | { readonly kind: 'connect'; readonly candidate: C; readonly inClear: boolean }
  /** Ask for a place there (`RelayState.acquire`), and tell `AttemptPolicy.noteAcquired` what came of it. */
  | { readonly kind: 'acquire'; readonly exchange: Exchange; readonly lastResort: boolean }
  /** Ask whether the message may go there with the place that it has (`Lease.moveTo`), and tell `AttemptPolicy.noteMoved`. */
  | { readonly kind: 'move'; readonly exchange: Exchange; readonly lease: Lease }
  /** Ask for the token of this server (`TokenStore.look`), and tell `AttemptPolicy.noteToken` what came of it. */
  | { readonly kind: 'token'; readonly candidate: C }
  /** The attempt ends and is not counted: the message goes on as soon as the token endpoint has answered. */
  | { readonly kind: 'await-token'; readonly reason: string; readonly settled: Promise<void> }
  /**
   * The attempt ends and is not counted: nothing was tried for which the message could be blamed.
   * `seconds`: until the next attempt; absent: Haraka's own interval.
   */
  | { readonly kind: 'requeue'; readonly reason: string; readonly seconds?: number }
  /** As `requeue`, until something changes. `waitFor`: servers that are at a limit, of which one that has room again is enough. */
  | { readonly kind: 'wait'; readonly reason: string; readonly waitFor: readonly Exchange[] }
  /** The attempt ends as Haraka ends it when it has tried all exchanges: deferred, and counted. */
  | { readonly kind: 'give-back'; readonly reason: string }

/** What an attempt begins with. */
export interface AttemptPlan<C extends Candidate> {
  /** In the order in which they are tried. */
  readonly candidates: readonly C[]
  readonly source: Decision['source']
  /** Relays that a later attempt of this message could take (source `attempts`); else empty. */
  readonly fallbackRelays: readonly Exchange[]
  /** Why exchanges of the decision are not among the candidates. */
  readonly passedOver: readonly string[]
}

/** What an attempt knows of the world. */
export interface AttemptWorld {
  /** As `RelayState.look`. */
  look(exchange: Exchange): Availability
  /** The message has left a server: its place is to be given back when the connection is closed. */
  leave(lease: Lease | undefined): void
}
