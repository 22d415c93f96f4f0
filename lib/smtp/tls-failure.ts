/** `...:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../record.c:350:`, as OpenSSL 1 and 3 write it. */
const OPENSSL = /\berror:[0-9a-f]{8}:[^:]*:[^:]*:([^:]+):/i
/** RFC 8446 section 6.2: the server asked for a certificate and got none. */
const CERTIFICATE_MISSING = /alert certificate required/i
/** RFC 8446 section 6.2: what a server says about our certificate. */
const CERTIFICATE_REFUSED =
  /alert ((?:bad|unsupported) certificate|certificate (?:revoked|expired|unknown)|unknown ca|access denied)/i

/** Is this an error of TLS itself? In TLS 1.3 a server says so after the client has done its part of the handshake. */
const isTlsFailure = (message: string): boolean => OPENSSL.test(message)

/** Why TLS failed, in OpenSSL's words: without its numbers, functions and source files. */
export function explainTlsFailure(message: string): string {
  const text = (OPENSSL.exec(message)?.[1] ?? message).trim()
  if (CERTIFICATE_MISSING.test(text))
    return 'TLS failed: it asks for a client certificate, and the relay has no tls_cert'
  const refused = CERTIFICATE_REFUSED.exec(text)?.[1]
  return refused === undefined ? `TLS failed: ${text}` : `TLS failed: it refused our certificate: ${refused}`
}

/** When a connection was lost. */
export interface LostAt {
  /** From STARTTLS, or the first byte, to the end of the handshake. */
  readonly isHandshake: boolean
  /** TLS has begun, and there was no reply since. */
  readonly isAfterHandshake: boolean
  readonly implicitTls: boolean
  /** A client certificate was shown. */
  readonly showsCertificate?: boolean
}

/** Why a connection was lost, if TLS may be the reason. RFC 8446 section 4.4.2.4: in TLS 1.3 a server checks our certificate last. */
export function explainLostTls(message: string, lost: LostAt): string | undefined {
  const { isHandshake, isAfterHandshake, implicitTls, showsCertificate = false } = lost
  if (isHandshake || (isAfterHandshake && isTlsFailure(message))) return explainTlsFailure(message)
  if (!isAfterHandshake || (implicitTls && !showsCertificate)) return undefined
  return `${message} right after TLS${showsCertificate ? ': it may have refused our certificate' : ''}`
}
