import type { Secret } from './secret'

/** The user name and password that a relay wants (RFC 4954). */
export interface Credentials {
  readonly user: string
  readonly password: Secret
}

/** `required`: encrypted and the certificate good for the host name. `opportunistic`: as offered. `off`: never. */
export type TlsPolicy = 'required' | 'opportunistic' | 'off'

/** SASL mechanisms that Haraka can use outbound (Haraka `outbound/hmail.js`). */
export type AuthType = 'plain' | 'login' | 'cram-md5'

/**
 * A server that the operator wrote down, and how to speak to it: a named relay (`[relay:NAME]`) or the inline target of an
 * override line, which has the defaults for all it cannot say.
 */
export interface Nexthop {
  /** The section's name for a named relay; absent for an inline target. */
  readonly name?: string
  /** A-label host name in lower case without trailing dot, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  readonly credentials?: Credentials
  readonly authType?: AuthType
  readonly tls: TlsPolicy
  /** TLS from the first byte (`smtps://`, RFC 8314 section 3.3) instead of STARTTLS. */
  readonly implicitTls: boolean
  /** Credentials may be sent over a connection that is not encrypted. */
  readonly allowPlaintextAuth: boolean
  /** Local address to connect from. */
  readonly bind?: string
  /** Name to say in EHLO. */
  readonly bindHelo?: string
  /** Speak LMTP (RFC 2033) instead of SMTP. */
  readonly lmtp: boolean
  /** How long a failed exchange is first left out, milliseconds. */
  readonly retryAfter: number
  /** Connections at once, over all workers. */
  readonly maxConnections?: number
  /** Messages in any 60 minutes, over all workers. */
  readonly maxPerHour?: number
}

/** The settings of an inline target `[user:password@]host[:port]`. */
export const INLINE_DEFAULTS = {
  tls: 'opportunistic',
  implicitTls: false,
  allowPlaintextAuth: false,
  lmtp: false,
  retryAfter: 60_000,
} as const satisfies Partial<Nexthop>

/** What tells one exchange from another: host, port and user (a breaker, a turn, a duplicate). Holds no secret. */
export function nexthopKey(nexthop: {
  host: string
  port: number
  credentials?: { user: string } | undefined
}): string {
  const host = nexthop.host.includes(':') ? `[${nexthop.host}]` : nexthop.host
  const user = nexthop.credentials === undefined ? '' : `${nexthop.credentials.user}@`
  return `${user}${host}:${nexthop.port}`
}
