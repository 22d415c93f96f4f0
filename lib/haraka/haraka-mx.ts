import type { Exchange } from '../model/exchange'
import type { AuthType } from '../model/relay'
import { bindFor } from '../model/terms'
import type { HarakaMxLike } from '../haraka-objects/outbound'

/** `HarakaMx` of haraka-net-utils. The constructor gives an object of this class back as it is, and `found_mx` sees that object. */
export type HarakaMxClass = new (fields: HarakaMxLike) => HarakaMxLike

/** An answer to `get_mx` of one element with which Haraka 3.3.4 (`found_mx`) bounces for RFC 7505, with a report that says so. */
export const NULL_MX: readonly HarakaMxLike[] = [{ exchange: '', priority: 0 }]

/** Haraka 3.3.4 (`outbound/hmail.js`) logs in only where there is a password. */
const NO_PASSWORD = 'token'

/** Haraka's word for a mechanism. It knows none with tokens: there it says AUTH PLAIN, and the session says what is needed. */
function harakaMechanism(authType: AuthType): string {
  return authType === 'xoauth2' || authType === 'oauthbearer' ? 'PLAIN' : authType.toUpperCase()
}

/**
 * One address of an exchange as Haraka takes it. The password is a property that cannot be enumerated, so that no copy, JSON or
 * inspection of the object shows it (Haraka 3.3.4 logs the answer to `get_mx` whole: `plugins.js` `log_run_item`,
 * `outbound/hmail.js` `get_mx_respond`), and it is taken out of its Secret only when Haraka reads it.
 *
 * @param helo the name for EHLO where the terms have none; without one Haraka looks its own up
 */
export function toHarakaMx(
  HarakaMx: HarakaMxClass,
  exchange: Exchange,
  address: string,
  helo?: string,
): HarakaMxLike {
  const { endpoint, relay, terms } = exchange
  const { bindHelo = helo } = terms
  const bind = bindFor(terms, address)
  const credentials = relay?.credentials
  const fields: HarakaMxLike = { exchange: address, port: endpoint.port, priority: exchange.priority }
  // For Haraka an address with `from_dns` is looked up already, protected by `local_mx_ok`, and checked by TLS under this
  // name. An operator's exchange gets it later (delivery/connections.ts), when the protection is past. A domain literal has no name.
  if (exchange.origin.kind === 'dns' && endpoint.host !== address) fields.from_dns = endpoint.host
  if (bind !== undefined) fields.bind = bind
  if (bindHelo !== undefined) fields.bind_helo = bindHelo
  if (terms.lmtp) fields.using_lmtp = true
  if (credentials !== undefined) fields.auth_user = credentials.user
  if (relay?.authType !== undefined) fields.auth_type = harakaMechanism(relay.authType)
  const mx = new HarakaMx(fields)
  if (credentials !== undefined) {
    Object.defineProperty(mx, 'auth_pass', {
      // The session puts the token in its place (smtp/authentication.ts).
      get: () => ('password' in credentials ? credentials.password.reveal() : NO_PASSWORD),
      enumerable: false,
      configurable: true,
    })
  }
  return mx
}
