import type { MxAnswer } from './dns-answer'
import type { Exchange } from './exchange'

/** Why a message is not delivered now, as a word for programs and as a sentence. */
export interface NoRoute {
  readonly kind:
    /** The domain does not exist. */
    | 'nxdomain'
    /** The domain has a null MX (RFC 7505). */
    | 'nullmx'
    /** Neither MX nor address. */
    | 'nodata'
    /** DNS gave no answer for the time being. */
    | 'dns-failure'
    /** Exchanges are known, and none of them has an address. */
    | 'no-address'
    /** All attempts of section `[attempts]` are made. */
    | 'attempts-exhausted'
  readonly message: string
}

/** What the matched lines with a condition on `$reply` or `$failed` say of the refusal that the message had. */
export interface OnRefusal {
  /** Matched lines with a condition on `$reply`, in order: after a 5xx reply they rescue the message. */
  readonly replyLines: readonly MatchedReplyLine[]
  /** `$again`: the wait until the next attempt, milliseconds. Absent: as without the line. */
  readonly againMs?: number
}

/** A line with a condition on `$reply`. */
export interface MatchedReplyLine {
  readonly line: number
  /** As written, passwords masked. */
  readonly text: string
}

/** Where a message goes. */
export interface Decision {
  readonly domain: string
  readonly outcome: 'deliver' | 'bounce' | 'defer'
  /** What decided: override lines, section `[attempts]`, or neither. */
  readonly source: 'overrides' | 'attempts' | 'dns'
  /** Line numbers, in order. */
  readonly matched: readonly number[]
  /** In order of priority, equals in file order (the sender of the mail shuffles them). */
  readonly exchanges: readonly Exchange[]
  /**
   * For a relay of section `[attempts]`: the other valid relays in rotation order, in case the chosen one fails through no fault of
   * the recipient.
   */
  readonly fallbackRelays?: readonly Exchange[] | undefined
  /** For `bounce` and `defer`: why. */
  readonly noRoute?: NoRoute | undefined
  /** The MX answer, where it was asked for. */
  readonly mx?: MxAnswer | undefined
  /** Absent where no matched line asks for a refusal. */
  readonly onRefusal?: OnRefusal | undefined
}
