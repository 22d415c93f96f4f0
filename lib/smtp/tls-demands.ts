import type { Extensions } from './extensions'
import type { Encryption, SessionOptions } from './session-types'

type TlsOptions = Pick<SessionOptions, 'tls' | 'implicitTls' | 'credentials' | 'allowPlaintextAuth'>

/** Why the connection is not encrypted. */
function explainClear({ tls }: TlsOptions, { offersStartTls }: Extensions): string {
  if (tls === 'off') return 'tls is off'
  return offersStartTls ? 'outbound.ini or tls.ini keeps Haraka from STARTTLS' : 'STARTTLS is not offered'
}

/** Why nothing of a message may be sent over the connection as it is; undefined if it may. */
export function explainMissingTls(
  options: TlsOptions,
  extensions: Extensions,
  { encrypted, verified }: Encryption,
): string | undefined {
  if (options.tls !== 'required' || verified) return undefined
  return encrypted
    ? 'TLS is required, and its certificate was not verified'
    : `TLS is required, and the connection is not encrypted (${explainClear(options, extensions)})`
}

/** Why no password may be sent over the connection as it is; undefined if it may. */
export function explainUnsafeLogin(
  options: TlsOptions,
  extensions: Extensions,
  { encrypted }: Encryption,
): string | undefined {
  if (encrypted || options.allowPlaintextAuth) return undefined
  return `the password is not sent over a connection that is not encrypted (${explainClear(options, extensions)})`
}

/** Why no mechanism can be used, with the reason why the connection is in clear where that may be why. */
export function explainOffer(
  why: string,
  options: TlsOptions,
  extensions: Extensions,
  { encrypted }: Encryption,
): string {
  const isClear = extensions.mechanisms.length === 0 && !encrypted
  return isClear ? `${why} (${explainClear(options, extensions)})` : why
}

/** Opportunistic TLS that breaks is no worse than no TLS (RFC 7435 section 3), unless a password would be sent. */
export function mayGoClear({ tls, implicitTls, credentials, allowPlaintextAuth }: TlsOptions): boolean {
  return tls === 'opportunistic' && !implicitTls && (credentials === undefined || allowPlaintextAuth)
}
