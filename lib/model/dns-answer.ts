import type { ResolveError } from './errors'

/** An MX record (RFC 5321 5.1). `exchange` is lower case without trailing dot; '' is the root of a null MX (RFC 7505). */
export interface MxRecord {
  readonly priority: number
  readonly exchange: string
}

/** How an answer was come by. */
export interface Provenance {
  /** `fresh`: asked just now; `cached`: remembered; `stale`: out of date and served because no server answers (RFC 8767). */
  readonly how: 'fresh' | 'cached' | 'stale'
  /**
   * The server that answered, as `ip#port`; `system` for the system's own lookup, `literal` for an IP address, `syntax` for a
   * text that is no name.
   */
  readonly server: string
  /** Seconds left, capped. 0 for a stale answer. */
  readonly ttl: number
}

/** A domain's MX as the rules see it: an answer, a null MX, or a failure that may pass. Never rejects. */
export type MxAnswer =
  | ({ readonly kind: 'mx'; readonly records: readonly MxRecord[] } & Provenance)
  | ({ readonly kind: 'nullmx' } & Provenance)
  | ({ readonly kind: 'nodata' } & Provenance)
  | ({ readonly kind: 'nxdomain' } & Provenance)
  | { readonly kind: 'failed'; readonly error: ResolveError }

/** The addresses of one host. `none`: the name or its addresses do not exist. Never rejects. */
export type AddressAnswer =
  | ({ readonly kind: 'addresses'; readonly addresses: readonly string[] } & Provenance)
  | ({ readonly kind: 'none' } & Provenance)
  | { readonly kind: 'failed'; readonly error: ResolveError }

/** Which address family of a host is tried first (Haraka `outbound.ini` `inet_prefer`; `default` is v6 first). */
export type InetPrefer = 'v4' | 'v6' | 'default'
