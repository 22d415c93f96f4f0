/** What limits the use of a server, and what that is counted under. */
export interface Limits {
  /** Servers with the same key share the limits: the name of a section, say. */
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
  /** The one who counts did not answer. */
  | { readonly granted: false; readonly why: 'unknown' }

/** A place was taken, or why none is free. */
export type LimitAnswer =
  | {
      readonly granted: true
      /** Names the place when it is given back. */
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
 * Counts places over all who share them: over the workers of this server, or over hosts. At no moment are more than
 * `maxConnections` places of a key taken, and in no 60 minutes are more than `maxPerHour` messages sent.
 */
export interface LimitService {
  /** Limits that may be used some day. What is shared with other servers is shared from now on. */
  know(limits: readonly Limits[]): void
  /** Why no place is free, where that is known without asking; undefined if there is one, or if only asking can tell. */
  look(limits: Limits): LimitRefusal | undefined
  /** Takes a place, or says why it is refused. Never rejects. */
  ask(limits: Limits): LimitAnswer | Promise<LimitAnswer>
  /** @param sent the message counts against `maxPerHour` */
  giveBack(place: number, sent: boolean): void
  /** The next place that becomes free is to be offered, see {@link onOffer}. Holds for one offer. */
  wait(limits: Limits): void
  /** @param take gets places that were waited for. They are taken already, and must be given back. */
  onOffer(take: (key: string, place: number) => void): void
  /** Nobody asks or waits any more. Places that are taken can still be given back. */
  close(): void
}
