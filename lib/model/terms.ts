/** `required`: encrypted and the certificate good for the host name. `opportunistic`: as offered. `off`: never. */
export type TlsPolicy = 'required' | 'opportunistic' | 'off'

/**
 * How a server is spoken to and limited: what a `[relay:NAME]` section, an inline target and direct delivery have in common.
 */
export interface Terms {
  readonly tls: TlsPolicy
  /** Speak LMTP (RFC 2033) instead of SMTP. */
  readonly lmtp: boolean
  /** Local address to connect from. */
  readonly bind?: string
  /** Name to say in EHLO. */
  readonly bindHelo?: string
  /** How long a failing server is first left out, milliseconds. */
  readonly retryAfter: number
  /** Connections at once, over all workers. */
  readonly maxConnections?: number
  /** Messages in any 60 minutes, over all workers. */
  readonly maxPerHour?: number
}

/** What holds where nothing is written. */
export const DEFAULT_TERMS: Terms = { tls: 'opportunistic', lmtp: false, retryAfter: 60_000 }

/** As {@link DEFAULT_TERMS}, for a target that asks for TLS from the first byte (`smtps://`). */
export const SMTPS_TERMS: Terms = { ...DEFAULT_TERMS, tls: 'required' }
