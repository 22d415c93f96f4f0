import type { ResolveError } from './errors'

/** An MX record that mail can use (RFC 5321 section 5.1). `exchange` is a lower-case host name without trailing dot. */
export interface MxRecord {
  readonly priority: number
  readonly exchange: string
}

/** Where an answer comes from, and how old it is. */
export interface Provenance {
  /** `fresh`: asked just now; `cached`: remembered; `stale`: expired, and served because no server answers (RFC 8767). */
  readonly how: 'fresh' | 'cached' | 'stale'
  /**
   * The server that answered, as `ip:port`; `system` for the system's own lookup, `literal` for an IP address, `syntax` for a
   * text that is not a domain name, `given` for an answer that an operator wrote down.
   */
  readonly server: string
  /** Seconds left, capped. 0 for a stale answer. */
  readonly ttlSeconds: number
}

/**
 * An absence. `proven`: by NXDOMAIN, or by an empty answer that has the SOA of the zone or comes from an authoritative server
 * (RFC 2308 section 2). What is not proven lets mail go on to the address of the domain, but never makes it bounce.
 */
export interface Absence extends Provenance {
  readonly proven: boolean
}

/**
 * What DNS says of the MX records of a domain. `nxdomain` is said of the MX question alone: the domain may still have an address,
 * since some servers answer type by type (RFC 4074 section 4.2). `failed` may pass.
 */
export type MxAnswer =
  | ({ readonly kind: 'mx'; readonly records: readonly MxRecord[] } & Provenance)
  /** The domain takes no mail (RFC 7505). */
  | ({ readonly kind: 'nullmx' } & Provenance)
  | ({ readonly kind: 'nodata' } & Absence)
  | ({ readonly kind: 'nxdomain' } & Provenance)
  | { readonly kind: 'failed'; readonly error: ResolveError }

/** What DNS says of the addresses of one host. `none`: both families were answered, and neither has an address. */
export type AddressAnswer =
  | ({ readonly kind: 'addresses'; readonly addresses: readonly string[] } & Provenance)
  | ({ readonly kind: 'none' } & Absence)
  | { readonly kind: 'failed'; readonly error: ResolveError }

/** Which address family of a host is tried first (Haraka `outbound.ini` `inet_prefer`; `default` is v6 first). */
export type InetPrefer = 'v4' | 'v6' | 'default'
