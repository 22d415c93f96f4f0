/** `...:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../record.c:350:`, as OpenSSL 1 and 3 write it. */
const OPENSSL = /\berror:[0-9a-f]{8}:[^:]*:[^:]*:([^:]+):/i

/** Why a TLS handshake failed, in OpenSSL's words alone: without its numbers, functions and source files. */
export function explainTlsFailure(message: string): string {
  return `TLS failed: ${(OPENSSL.exec(message)?.[1] ?? message).trim()}`
}
