import type { Exchange } from '../../model/exchange'
import type { Secret } from '../../model/secret'
import { loginOf } from '../../smtp/login'
import type { SessionFailure, SessionOptions, SessionReport } from '../../smtp/session-types'

/** What a connection needs beside the exchange. */
export interface ConnectionNeeds {
  /** `tls.ini` demands TLS. */
  readonly isTlsForced: boolean
  /** TLS broke there before, so it is done without. */
  readonly inClear: boolean
  /** For a relay that takes one. */
  readonly token: Secret | undefined
  /** Recipients of the message. */
  readonly recipients: number
}

/** How a connection to an exchange is to be used. */
export function buildSessionOptions(
  { terms, relay }: Exchange,
  { isTlsForced, inClear, token, recipients }: ConnectionNeeds,
): SessionOptions {
  const required = isTlsForced || terms.tls === 'required'
  return {
    tls: required ? 'required' : inClear ? 'off' : terms.tls,
    implicitTls: relay?.implicitTls ?? false,
    lmtp: terms.lmtp,
    isRelay: relay !== undefined,
    credentials: relay && loginOf(relay, token),
    authType: relay?.authType,
    allowPlaintextAuth: relay?.allowPlaintextAuth ?? false,
    showsCertificate: relay?.clientCertificate !== undefined,
    nextMx: terms.nextMx,
    recipients,
  }
}

/** A failure before there was a connection, as the report of a session. */
export const reportWithoutSession = (failure: SessionFailure, { terms }: Exchange): SessionReport => ({
  stage: failure.stage,
  failure,
  lmtp: terms.lmtp,
  refused: [],
})
