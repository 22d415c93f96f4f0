import type { Extensions } from './extensions'
import type { Encryption, SessionOptions } from './session-types'

type TlsOptions = Pick<
  SessionOptions,
  'tls' | 'implicitTls' | 'credentials' | 'allowPlaintextAuth' | 'showsCertificate'
>

const showsToken = ({ credentials }: TlsOptions) => credentials !== undefined && 'token' in credentials

/** Why the connection is not encrypted. */
function explainClear({ tls }: TlsOptions, { offersStartTls }: Extensions): string {
  if (tls === 'off') return 'tls is off'
  return offersStartTls ? 'outbound.ini or tls.ini keeps Haraka from STARTTLS' : 'STARTTLS is not offered'
}

/** Why TLS must be used, as the beginning of a sentence; undefined if it need not. */
export function demandTls({ tls, showsCertificate }: TlsOptions): string | undefined {
  if (tls === 'required') return 'TLS is required'
  return showsCertificate === true ? 'tls_cert needs TLS' : undefined
}

/** Why nothing of a message may be sent over the connection as it is; undefined if it may. */
export function explainMissingTls(
  options: TlsOptions,
  extensions: Extensions,
  { encrypted, verified }: Encryption,
): string | undefined {
  if (!encrypted) {
    const demand = demandTls(options)
    return demand && `${demand}, and the connection is not encrypted (${explainClear(options, extensions)})`
  }
  return options.tls === 'required' && !verified
    ? 'TLS is required, and its certificate was not verified'
    : undefined
}

/** Why no password may be sent over the connection as it is; undefined if it may. */
export function explainUnsafeLogin(
  options: TlsOptions,
  extensions: Extensions,
  { encrypted }: Encryption,
): string | undefined {
  const isToken = showsToken(options)
  // RFC 6750 section 5.3: anyone who has a token can use it.
  if (encrypted || (options.allowPlaintextAuth && !isToken)) return undefined
  return `the ${isToken ? 'token' : 'password'} is not sent over a connection that is not encrypted (${explainClear(options, extensions)})`
}

/** Why no mechanism can be used. If that may be because the connection is in clear, with the reason for it. */
export function explainOffer(
  why: string,
  options: TlsOptions,
  extensions: Extensions,
  { encrypted }: Encryption,
): string {
  const isClear = extensions.mechanisms.length === 0 && !encrypted
  return isClear ? `${why} (${explainClear(options, extensions)})` : why
}

/** May the message go in clear if TLS fails? Yes if it is opportunistic (RFC 7435 section 3), unless TLS or a password authenticates us. */
export function mayGoClear(options: TlsOptions): boolean {
  const { tls, implicitTls, credentials, allowPlaintextAuth, showsCertificate } = options
  if (tls !== 'opportunistic' || implicitTls || showsCertificate === true) return false
  return credentials === undefined || (allowPlaintextAuth && !showsToken(options))
}
