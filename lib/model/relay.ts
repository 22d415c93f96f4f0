import type { Endpoint } from './endpoint'
import type { Secret } from './secret'
import type { Terms } from './terms'

/** User name and password for a server that asks for them (RFC 4954). */
export interface Credentials {
  readonly user: string
  readonly password: Secret
}

/** SASL mechanisms that Haraka can use outbound (Haraka `outbound/hmail.js`). */
export type AuthType = 'plain' | 'login' | 'cram-md5'

/** A server that the operator wrote down: a section `[relay:NAME]`, or the inline target of an override line. */
export interface Relay {
  /** The section's name; absent for an inline target. */
  readonly name?: string
  readonly endpoint: Endpoint
  readonly terms: Terms
  /** Priority of targets that name this relay and have no `$priority` of their own. */
  readonly priority?: number
  readonly credentials?: Credentials
  readonly authType?: AuthType
  /** TLS from the first byte (`smtps://`, RFC 8314 section 3.3) instead of STARTTLS. */
  readonly implicitTls: boolean
  /** Credentials may be sent over a connection that is not encrypted. */
  readonly allowPlaintextAuth: boolean
}
