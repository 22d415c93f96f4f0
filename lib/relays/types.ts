import type { RelayFailure } from '../model/failure'
import type { Exchange } from '../model/exchange'

/** Why mail cannot go to a server now. */
export interface Unavailable {
  readonly usable: false
  /** `held` by hand, left out by its `breaker`, or at a limit: `connections` (`max_connections`) or `quota` (`max_per_hour`). */
  readonly why: 'held' | 'breaker' | 'connections' | 'quota'
  /** One line for the log. */
  readonly message: string
  /** When to try again, ms since the epoch, if that is known. */
  readonly until?: number
}

/** May mail go to a server now, and if not, why and until when? */
export type Availability = { readonly usable: true } | Unavailable

/** The place of one message in a section: at one server at a time, with all its addresses. `end` is always called. */
export interface Lease {
  /** The server did its part: connected, greeted, encrypted and authenticated as its terms ask. Closes its breaker. */
  reportSuccess(): void
  /** The server failed. Opens its breaker. */
  reportFailure(failure: RelayFailure): void
  /**
   * Goes on to another server of the same section (see `sectionKey`), and keeps the place.
   *
   * @returns why not; then nothing has changed. A promise if other processes must be asked for the trial of the server
   */
  moveTo(exchange: Exchange): Unavailable | undefined | Promise<Unavailable | undefined>
  /**
   * Gives the place back. Call it when the connection is closed, so that the server never sees more than allowed.
   *
   * @param delivered has the server accepted the message, or may it have? Then it counts against `max_per_hour`
   */
  end(delivered: boolean): void
}

export interface AcquireOptions {
  /**
   * Every exchange of the decision is left out by its breaker, so the breaker does not count; holds and limits still do.
   *
   * @default false
   */
  readonly lastResort?: boolean
}

export interface WaitOptions {
  /**
   * The message was woken before, but another took its place: it goes to the head of the line.
   *
   * @default false
   */
  readonly first?: boolean
}

/**
 * What `dns-overrides relays` and the status page show of one server; or of terms of direct mail (`[direct:NAME]`), over all their
 * servers; or of one of those servers that has failed.
 */
export interface ServerStatus {
  /** `[user@]host:port`; of terms their title. */
  readonly key: string
  /** Of the section, if it has one. */
  readonly name?: string
  /** Of a server of direct mail: the title of its terms. */
  readonly terms?: string
  readonly breaker: 'closed' | 'open' | 'half-open'
  readonly failures: number
  readonly lastFailure?: string
  /** When a message tries it again, ms since the epoch. */
  readonly retryAt?: number
  readonly held: boolean
  /** Places that this process has taken. */
  readonly connections: number
  /** Messages of this process that wait for a place. */
  readonly waiting: number
  /** Messages that this process has sent. */
  readonly sentLastHour: number
}

/**
 * Breakers, holds, limits and rotation: what is known of servers between messages. Nothing here ever throws or rejects, and no answer
 * takes longer than a few seconds.
 */
export interface RelayState {
  /**
   * Sets the operator's servers and terms, those of the configuration in force. From now on they are shared with other processes, and
   * shown.
   */
  know(exchanges: readonly Exchange[]): void
  /** What this process knows now. It changes nothing. A limit that other workers share may have changed since. */
  look(exchange: Exchange): Availability
  /**
   * Takes a place: one of `max_connections`, one of `max_per_hour`, the one trial of a half-open breaker. Call it before the first
   * connection to the server.
   *
   * @returns at once if this process knows enough (no limit and no trial, or a breaker or hold that refuses); a promise if other
   *   processes must be asked
   */
  acquire(exchange: Exchange, options?: AcquireOptions): Lease | Unavailable | Promise<Lease | Unavailable>
  /**
   * Waits for a place at a server that is at a limit. A place that becomes free in any worker is kept for a few seconds for the message
   * that has waited longest, which should then call {@link acquire}.
   *
   * @param wake called once at most, never before this method returns
   * @returns a function that cancels the wait
   */
  whenFree(exchange: Exchange, wake: () => void, options?: WaitOptions): () => void
  /** Calls the listener, from now on, whenever servers may be back: holds by hand have changed, or a server works again. */
  onComeback(listener: () => void): void
  /** A server failed before there was a connection to it (it has no address, for example). */
  noteFailure(exchange: Exchange, failure: RelayFailure): void
  /** The rotation offset of the next message: a number that grows by one with each message. */
  nextRotationOffset(): Promise<number>
  status(): readonly ServerStatus[]
  /** Stops timers, and writes the changes that are not yet written. */
  close(): void
}

/** Is it the reason why there is no place, and not a lease? */
export const isUnavailable = (answer: Lease | Unavailable): answer is Unavailable => 'usable' in answer
