import { DAY_MS } from './duration'
import type { Endpoint } from './endpoint'
import type { OAuth2Client, TokenMechanism } from './oauth2'
import type { Secret } from './secret'
import type { Terms } from './terms'

/** User name and password for a server that asks for them (RFC 4954). */
export interface PasswordCredentials {
  readonly user: string
  readonly password: Secret
}

/** User name, and how a token in place of a password is got. */
export interface OAuth2Credentials {
  readonly user: string
  readonly oauth2: OAuth2Client
}

/** How a server is logged in to. */
export type Credentials = PasswordCredentials | OAuth2Credentials

/** SASL mechanisms that take a password, all of which Haraka can use outbound (Haraka `outbound/hmail.js`). */
export type PasswordMechanism = 'plain' | 'login' | 'cram-md5'

/** SASL mechanisms. */
export type AuthType = PasswordMechanism | TokenMechanism

/** What a relay may ask for in the TLS handshake, to know who connects (RFC 8446 section 4.4.2). Checked when it was read. */
export interface ClientCertificate {
  /** PEM: the certificate, and after it those that lead to its authority. */
  readonly chain: string
  /** PEM, not encrypted. */
  readonly key: Secret
  /** Whom it is for. */
  readonly subject: string
  /** Its last moment, milliseconds since the epoch. */
  readonly validTo: number
}

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
  readonly clientCertificate?: ClientCertificate
}

/** A certificate that ends sooner than this deserves a warning, milliseconds. */
export const CERTIFICATE_WARNING_MS = 14 * DAY_MS

/**
 * The end of a relay's client certificate, if that is soon.
 *
 * @param now milliseconds since the epoch
 * @returns milliseconds since the epoch; undefined if it has none, or one that ends in more than 14 days
 */
export function certificateEnd(
  { clientCertificate }: Pick<Relay, 'clientCertificate'>,
  now: number,
): number | undefined {
  const end = clientCertificate?.validTo
  return end !== undefined && end - now < CERTIFICATE_WARNING_MS ? end : undefined
}

/** The OAuth 2.0 client of a relay; undefined if it is logged in to with a password or not at all. */
export function oauth2Of({ credentials }: Pick<Relay, 'credentials'>): OAuth2Client | undefined {
  return credentials !== undefined && 'oauth2' in credentials ? credentials.oauth2 : undefined
}
