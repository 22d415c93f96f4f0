import type { Located } from '../route'
import type { Exchange } from '../rules/types'
import type { PlannedExchange, HarakaMxLike } from './delivery-types'

/** `HarakaMx` of haraka-net-utils. The constructor gives an object of this class back as it is, and `found_mx` sees that object. */
export type HarakaMxClass = new (fields: HarakaMxLike) => HarakaMxLike

/** As Math.random. */
export type Random = () => number

/** An answer to `get_mx` of one element with which Haraka 3.3.4 (`found_mx`) bounces for RFC 7505, with a report that says so. */
export const NULL_MX: readonly HarakaMxLike[] = [{ exchange: '', priority: 0 }]

/** By priority, equals in random order (RFC 5321 section 5.1): every order of equals is equally likely. */
export function arranged(exchanges: readonly Exchange[], random: Random): Exchange[] {
  const shuffled = [...exchanges]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = shuffled[last]!
    shuffled[last] = shuffled[other]!
    shuffled[other] = kept
  }
  // Array.sort is stable: equals stay as shuffled.
  return shuffled.sort((a, b) => a.priority - b.priority)
}

/**
 * One address of an exchange as Haraka wants it. The password is a property that cannot be enumerated, so that no copy, JSON or
 * inspection of the object shows it (Haraka 3.3.4 logs the answer to `get_mx` whole: `plugins.js` `log_run_item`,
 * `outbound/hmail.js` `get_mx_respond`), and it is taken out of its Secret only when Haraka reads it.
 */
export function toHarakaMx(HarakaMx: HarakaMxClass, exchange: Exchange, address: string): HarakaMxLike {
  const { nexthop } = exchange
  const mx = new HarakaMx({
    exchange: address,
    port: exchange.port,
    priority: exchange.priority,
    // For Haraka an address with `from_dns` is looked up already, protected by `local_mx_ok`, and checked by TLS under this
    // name. An operator's exchange gets it later (delivery.ts), when the protection is past. A domain literal has no name.
    ...(exchange.from === 'dns' && exchange.exchange !== address ? { from_dns: exchange.exchange } : {}),
    ...(nexthop?.bind === undefined ? {} : { bind: nexthop.bind }),
    ...(nexthop?.bindHelo === undefined ? {} : { bind_helo: nexthop.bindHelo }),
    ...(nexthop?.lmtp === true ? { using_lmtp: true } : {}),
    ...(nexthop?.credentials === undefined ? {} : { auth_user: nexthop.credentials.user }),
    ...(nexthop?.authType === undefined ? {} : { auth_type: nexthop.authType.toUpperCase() }),
  })
  const password = nexthop?.credentials?.password
  if (password !== undefined) {
    Object.defineProperty(mx, 'auth_pass', {
      get: () => password.reveal(),
      enumerable: false,
      configurable: true,
    })
  }
  return mx
}

/** Every address of every exchange that has one, in order. */
export function planned(HarakaMx: HarakaMxClass, located: readonly Located[]): PlannedExchange[] {
  return located.flatMap(({ exchange, answer }) =>
    answer.kind === 'addresses'
      ? answer.addresses.map((address) => ({ mx: toHarakaMx(HarakaMx, exchange, address), exchange }))
      : [],
  )
}
