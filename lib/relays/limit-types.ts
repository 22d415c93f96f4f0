/** The limits of a server, and the key under which its use is counted. */
export interface Limits {
  /** Servers with the same key share the limits. It is the name of a section, for example. */
  readonly key: string
  /** Connections at once. */
  readonly maxConnections?: number
  /** Messages in any 60 minutes. */
  readonly maxPerHour?: number
}

/** Why no place is free. */
export type LimitRefusal =
  /** All connections are in use. */
  | { readonly granted: false; readonly why: 'connections' }
  /** All messages of the hour are sent. */
  | { readonly granted: false; readonly why: 'quota'; readonly waitMs: number }
  /** The process that counts did not answer. */
  | { readonly granted: false; readonly why: 'unknown' }

/** A place that was taken, or why none is free. */
export type LimitAnswer =
  | {
      readonly granted: true
      /** Identifies the place when it is given back. */
      readonly place: number
    }
  | LimitRefusal

/** How much of its limits a server uses, over all processes. */
export interface LimitStatus {
  readonly key: string
  readonly connections: number
  readonly sentLastHour: number
}

/**
 * Counts places over all processes that share them: the workers of this server, or of several hosts. For each key, no more than
 * `maxConnections` places are taken at once, and no more than `maxPerHour` messages are sent in any 60 minutes.
 */
export interface LimitService {
  /** Limits that may be used later. If they are shared with other servers, they are shared from now on. */
  know(limits: readonly Limits[]): void
  /** Why no place is free, if that is known without asking; undefined if one is free, or if another process must be asked. */
  look(limits: Limits): LimitRefusal | undefined
  /** Takes a place, or says why it is refused. Never rejects. */
  ask(limits: Limits): LimitAnswer | Promise<LimitAnswer>
  /** @param sent the message counts against `maxPerHour` */
  giveBack(place: number, sent: boolean): void
  /** Asks for the next place that becomes free, see {@link onOffer}. It counts for one offer. */
  wait(limits: Limits): void
  /** @param take receives places that were waited for. They are already taken, and must be given back. */
  onOffer(take: (key: string, place: number) => void): void
  /** After this nobody asks or waits any more. Places that are taken can still be given back. */
  close(): void
}
