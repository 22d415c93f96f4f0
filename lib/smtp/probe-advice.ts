import type { Relay } from '../model/relay'
import { formatBind } from '../model/terms'
import type { CertificateFault } from './certificate'
import type { SessionFailure } from './session-types'

/** What to do about a connection that failed, by the system's code. */
export function adviseConnection(
  code: string | undefined,
  { endpoint: { port }, terms: { bind } }: Relay,
): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on port ${port} there: check the port (25, 465 or 587?)`
    case 'ETIMEDOUT':
      return port === 25
        ? 'a firewall may drop it: many networks block outgoing port 25; ask the provider for port 587'
        : 'a firewall may drop it, or the address is wrong'
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return 'this machine has no route there; it may have no IPv6'
    case 'EADDRNOTAVAIL':
      return bind === undefined ? undefined : `bind = ${formatBind(bind)} is not an address of this machine`
    default:
      return undefined
  }
}

/** What to do about a TLS handshake that failed. */
export function adviseHandshake(code: string, { implicitTls, clientCertificate }: Relay): string {
  if (code.includes('CERTIFICATE_REQUIRED')) {
    return 'set tls_cert and tls_key to a certificate that the operator of the relay knows'
  }
  if (clientCertificate !== undefined)
    return 'ask the operator of the relay which certificate tls_cert must be'
  const isPlain = implicitTls && (code.includes('WRONG_VERSION') || code.includes('PACKET_LENGTH'))
  return isPlain
    ? 'the server does not speak TLS from the first byte: leave out smtps://'
    : 'the server and this machine have no TLS version or cipher in common, or the server closed the connection'
}

/** What to do about each fault of a certificate. */
export const CERTIFICATE_ADVICE: Readonly<Record<CertificateFault['kind'], string>> = {
  chain: 'ask the operator of the relay, or trust its authority with NODE_EXTRA_CA_CERTS',
  name: 'write the host by a name that is in the certificate',
  expired: 'the operator of the relay must renew it',
}

/** What to do about a server that fails in the conversation. */
export function adviseReply({ stage, reply, refusesToken }: SessionFailure): string | undefined {
  if (refusesToken === true)
    return 'check that oauth2_scope is for SMTP, and that the client may send as this mailbox'
  switch (stage) {
    case 'greeting':
      if (reply === undefined) return undefined
      return reply.code >= 500
        ? 'it does not accept this address: ask its operator'
        : 'it is too busy: try later'
    case 'tls':
      return reply === undefined
        ? 'use a port with TLS: 587, or smtps://HOST; or set allow_plaintext_auth = true if the network is safe'
        : undefined
    case 'auth':
      return reply === undefined ? undefined : adviseAuth(reply.code)
    default:
      return undefined
  }
}

/** RFC 4954 section 6. */
function adviseAuth(code: number): string {
  switch (code) {
    case 530:
    case 538:
      return 'it asks for an encrypted connection first: set tls = required'
    case 534:
      return 'it asks for another mechanism: set auth_type'
    case 454:
      return 'its own login service is down: try later'
    default:
      return 'user or password is wrong, or the account may not send: check both with the provider'
  }
}
