import type { Stage } from '../model/failure'
import type { AuthType, PasswordCredentials } from '../model/relay'
import type { Reply } from '../model/reply'
import type { NextMx, TlsPolicy } from '../model/terms'
import type { FailureKind } from './next-mx'
import type { TokenCredentials } from './token-login'

/** The login for a server. */
export type Login = PasswordCredentials | TokenCredentials

/** How one connection is to be used. */
export interface SessionOptions {
  readonly tls: TlsPolicy
  /** TLS from the first byte: STARTTLS has no place. */
  readonly implicitTls: boolean
  readonly lmtp: boolean
  /** Is it the operator's server, and not an MX host? Then a demand for authentication is its failure, and not about the recipient. */
  readonly isRelay: boolean
  readonly credentials?: Login | undefined
  readonly authType?: AuthType | undefined
  readonly allowPlaintextAuth: boolean
  /** Do we show the server a client certificate? Then nothing is sent in clear. @default false */
  readonly showsCertificate?: boolean
  readonly nextMx: NextMx
  /** Recipients of the message. */
  readonly recipients: number
}

/** The current state of the connection. */
export interface Encryption {
  readonly encrypted: boolean
  /** Is the certificate valid for the host name? */
  readonly verified: boolean
}

/** Why the message cannot be sent to this server now. It is never the recipient's fault. */
export interface SessionFailure {
  readonly stage: Stage
  readonly kind: FailureKind
  /** One line. Holds no secret. */
  readonly message: string
  /** The reply of the server, if that was the reason. */
  readonly reply?: Reply
  /** Did TLS fail, and is it not required? Then the same address may be tried once more in clear (RFC 7435 section 3). */
  readonly mayGoClear: boolean
  /** Is QUIT sent before the connection is closed? The server still listens. */
  readonly polite: boolean
  /** Was the access token refused? Then another may be tried. */
  readonly refusesToken?: true
}

/**
 * What happens to one line of the server: it goes to Haraka, as it is or rewritten; it is dropped, or answered without Haraka; or the
 * session ends.
 */
export type LineVerdict =
  | { readonly kind: 'pass'; readonly line: string }
  | { readonly kind: 'drop' }
  /** Without its end. A secret. */
  | { readonly kind: 'answer'; readonly line: string }
  | { readonly kind: 'fail'; readonly failure: SessionFailure }

/** How far one connection got: this is kept with the message. Holds no secret. */
export interface SessionReport {
  /** The last step that was begun. */
  readonly stage: Stage
  /** The last whole reply. */
  readonly reply?: Reply | undefined
  readonly failure?: SessionFailure | undefined
  readonly lmtp: boolean
  /** Recipients that were refused (4xx or 5xx). */
  readonly refused: readonly RefusedRecipient[]
}

/** A recipient that was refused by itself: at RCPT, or in LMTP at the end of the message (RFC 2033 section 4.2). */
export interface RefusedRecipient {
  /** As RCPT named it. */
  readonly recipient: string
  /** Its place among the recipients of the message, from 0. */
  readonly index: number
  readonly stage: 'rcpt' | 'dot'
  readonly reply: Reply
}

/** Must the certificate be valid for the host? */
export function needsGoodCertificate({
  tls,
  implicitTls,
}: Pick<SessionOptions, 'tls' | 'implicitTls'>): boolean {
  return tls === 'required' || implicitTls
}
