/** How the last attempt for a message ended: with which step of which it was refused or failed. Empty: no attempt has failed. */
export type FailedStep = '' | 'dns' | 'connect' | 'greeting' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data'

/** All values of {@link FailedStep}. */
export const FAILED_STEPS: readonly FailedStep[] = [
  '',
  'dns',
  'connect',
  'greeting',
  'tls',
  'auth',
  'mail',
  'rcpt',
  'data',
]

/** What the rules know of a message. */
export interface Message {
  /** Recipient domain: lower-case A-labels without a trailing dot, or a domain literal as written. */
  readonly domain: string
  /** Envelope sender without angle brackets; empty for the null sender. */
  readonly mailFrom: string
  /** Recipients without angle brackets, all of the same domain. */
  readonly rcptTo: readonly string[]
  /** User name the sender authenticated with; empty if none. */
  readonly authSender: string
  /** Bytes, headers and body as sent. */
  readonly size: number
  /** Milliseconds since the message was queued. */
  readonly ageMs: number
  /** Delivery attempts already made. */
  readonly retries: number
  /** The last reply that refused the message, `550 5.7.1 text` on one printable line; empty if none. */
  readonly reply: string
  readonly failed: FailedStep
  /** Its first attempt through a relay of `[attempts]` begins with the relay of this number (modulo their count). */
  readonly rotationOffset: number
}

/** A message of which nothing is known but the domain that has to be added. */
export const BLANK_MESSAGE: Omit<Message, 'domain'> = {
  mailFrom: '',
  rcptTo: [],
  authSender: '',
  size: 0,
  ageMs: 0,
  retries: 0,
  reply: '',
  failed: '',
  rotationOffset: 0,
}
