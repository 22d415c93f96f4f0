import type { Stage } from '../model/failure'
import type { AuthType, PasswordCredentials } from '../model/relay'
import type { Reply } from '../model/reply'
import type { NextMx, TlsPolicy } from '../model/terms'
import type { FailureKind } from './next-mx'
import type { TokenCredentials } from './token-login'

/** What is shown to a server that asks who we are. */
export type Login = PasswordCredentials | TokenCredentials

/** How one connection is to be used. */
export interface SessionOptions {
  readonly tls: TlsPolicy
  /** TLS from the first byte: STARTTLS has no place. */
  readonly implicitTls: boolean
  readonly lmtp: boolean
  /** The operator's server, and not an MX host: a demand for authentication is its failure, and not about the recipient. */
  readonly isRelay: boolean
  readonly credentials?: Login
  readonly authType?: AuthType
  readonly allowPlaintextAuth: boolean
  /** The server knows us by a client certificate: nothing goes in clear. @default false */
  readonly showsCertificate?: boolean
  readonly nextMx: NextMx
  /** Recipients of the message. */
  readonly recipients: number
}

/** The connection as it is now. */
export interface Encryption {
  readonly encrypted: boolean
  /** The certificate is good for the host name. */
  readonly verified: boolean
}

/** Why the message cannot be given to this server now. Never the recipient's fault. */
export interface SessionFailure {
  readonly stage: Stage
  readonly kind: FailureKind
  /** One line. Holds no secret. */
  readonly message: string
  /** What the server said, if that was it. */
  readonly reply?: Reply
  /** TLS failed and is not required: the same address may be tried once more in clear (RFC 7435 section 3). */
  readonly mayGoClear: boolean
  /** Say QUIT before closing: the server still listens. */
  readonly polite: boolean
  /** The access token was refused: another may be taken. */
  readonly refusesToken?: true
}

/**
 * What becomes of one line of the server: it reaches Haraka, as it is or rewritten; it does not, or is answered without Haraka; or the
 * session is over.
 */
export type LineVerdict =
  | { readonly kind: 'pass'; readonly line: string }
  | { readonly kind: 'drop' }
  /** Without its end. A secret. */
  | { readonly kind: 'answer'; readonly line: string }
  | { readonly kind: 'fail'; readonly failure: SessionFailure }

/** How far one connection came: what is kept of it with the message. Holds no secret. */
export interface SessionReport {
  /** The last step that was begun. */
  readonly stage: Stage
  /** The last whole reply. */
  readonly reply?: Reply
  readonly failure?: SessionFailure
  readonly lmtp: boolean
  /** Recipients that were refused (4xx or 5xx). */
  readonly refused: readonly RefusedRecipient[]
}

/** A recipient that was refused for itself: at RCPT, or in LMTP at the end of the message (RFC 2033 section 4.2). */
export interface RefusedRecipient {
  /** As RCPT named it. */
  readonly recipient: string
  /** Its place among the recipients of the message, from 0. */
  readonly index: number
  readonly stage: 'rcpt' | 'dot'
  readonly reply: Reply
}

/** Is TLS worth nothing with a certificate that is not good for the host? */
export function needsGoodCertificate({
  tls,
  implicitTls,
}: Pick<SessionOptions, 'tls' | 'implicitTls'>): boolean {
  return tls === 'required' || implicitTls
}
