/** What the rules know of a message. */
export interface Message {
  /** Recipient domain: lower-case A-labels without a trailing dot, or a domain literal as written. */
  readonly domain: string
  /** Envelope sender without angle brackets; empty for the null sender. */
  readonly mailFrom: string
  /** User name the sender authenticated with; empty if none. */
  readonly authSender: string
  /** Bytes, headers and body as sent. */
  readonly size: number
  /** Delivery attempts already made. */
  readonly retries: number
  /** Its first attempt through a relay of `[attempts]` begins with the relay of this number (modulo their count). */
  readonly rotationOffset: number
}
