import { isPermanent, type Reply } from '../model/reply'
import type { SessionOptions } from './session-types'

/**
 * May HELO be said after this reply to EHLO? It offers neither TLS nor AUTH. Haraka 3.3.4 does so after a 5xx; with LMTP it would bounce
 * the message.
 */
export const mayTryHelo = (reply: Reply, { tls, credentials, lmtp }: SessionOptions): boolean =>
  isPermanent(reply) && tls !== 'required' && credentials === undefined && !lmtp
