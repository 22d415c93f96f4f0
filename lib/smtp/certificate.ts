import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'
import { toPrintable } from '../model/printable'

/** One fault of a certificate. */
export interface CertificateFault {
  readonly kind: 'chain' | 'name' | 'expired'
  readonly message: string
}

/** A server's certificate, and its faults. */
export interface CertificateReport {
  readonly subject: string
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly validTo: number
  readonly protocol: string
  /** Did the server ask for our certificate (RFC 8446 section 4.3.2)? */
  readonly asksForOurs: boolean
  /** Empty if a client that requires a good certificate accepts it. */
  readonly faults: readonly CertificateFault[]
}

/** OpenSSL's codes for a chain that is not trusted, in plain English. */
const CHAIN_FAULTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in a self-signed certificate that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the authority that signed it is unknown, or the server does not send the chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority that signed it is unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'the server does not send the whole chain',
  CERT_NOT_YET_VALID: 'it is not valid yet',
}

const nameOf = (part: PeerCertificate['subject'] | undefined) =>
  toPrintable(String(part?.CN ?? part?.O ?? 'nobody'))

/** Checks the certificate of a connection after its handshake. */
export function describeCertificate(socket: TLSSocket, host: string): CertificateReport {
  const certificate = socket.getPeerCertificate()
  const validTo = Date.parse(certificate.valid_to)
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    validTo,
    protocol: socket.getProtocol() ?? 'TLS',
    // OpenSSL shares signature algorithms with a server only if that sent some of its own, in its request for a certificate.
    asksForOurs: socket.getSharedSigalgs().length > 0,
    faults: [...chainFaults(socket, validTo), ...nameFaults(certificate, host)],
  }
}

function chainFaults(socket: TLSSocket, validTo: number): CertificateFault[] {
  const code = String(socket.authorizationError ?? '')
  if (code === 'CERT_HAS_EXPIRED') {
    return [{ kind: 'expired', message: `it expired on ${new Date(validTo).toISOString().slice(0, 10)}` }]
  }
  if (code === '' || code.includes('ALTNAME')) return []
  return [{ kind: 'chain', message: CHAIN_FAULTS[code] ?? `it is not trusted (${code})` }]
}

function nameFaults(certificate: PeerCertificate, host: string): CertificateFault[] {
  if (checkServerIdentity(host, certificate) === undefined) return []
  const names = (certificate.subjectaltname ?? nameOf(certificate.subject))
    .replaceAll('IP Address:', '')
    .replaceAll('DNS:', '')
  return [{ kind: 'name', message: `it is for ${toPrintable(names)}, not for ${host}` }]
}
