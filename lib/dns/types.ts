import type { ResolveError } from '../model/errors'

/** The record types that mail routing needs. */
export type QueryType = 'MX' | 'A' | 'AAAA'

/** One question (RFC 1035 4.1.2), class IN. `name`: A-labels, lower case, no trailing dot. */
export interface Question {
  readonly name: string
  readonly type: QueryType
}

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

/**
 * What a name server said. `records`: at least one record. `nodata`: the name exists, the type does not. `nxdomain`: the name
 * does not exist (RFC 2308). A lookup that failed is no Answer but a {@link ResolveError}.
 */
export type Answer<R> =
  | ({ readonly kind: 'records'; readonly records: readonly R[] } & Provenance)
  | ({ readonly kind: 'nodata' } & Provenance)
  | ({ readonly kind: 'nxdomain' } & Provenance)

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

/** What the rest of the plugin asks of DNS. Both calls settle inside the overall deadline and never reject. */
export interface MailResolver {
  /**
   * The MX records of a domain, sorted by priority, equals in file order of the answer (the caller shuffles). Records whose
   * exchange is no host name or an IP address are dropped with a warning; a null MX beside real ones is ignored.
   */
  mx(domain: string): Promise<MxAnswer>
  /** The A and AAAA records of a host: shuffled within a family, families in the order of `prefer`. */
  addresses(host: string, prefer: InetPrefer): Promise<AddressAnswer>
  /**
   * As {@link MailResolver.addresses}, for a relay that the operator wrote down: what DNS does not know is looked up by the
   * system (hosts file).
   */
  relayAddresses(host: string, prefer: InetPrefer): Promise<AddressAnswer>
}

/** One configured server. */
export interface ServerAddress {
  readonly address: string
  readonly port: number
  /** `udp` falls over to TCP on truncation; `tls` is DNS over TLS (RFC 7858). */
  readonly transport: 'udp' | 'tls'
  /** Name that the TLS certificate must be good for; absent: the address itself. */
  readonly tlsName?: string
}

/** Tuning of the resolver, section `[dns]`. Times in milliseconds, TTLs in seconds. */
export interface ResolverOptions {
  /** Wait for one try at one server. */
  readonly timeout: number
  /** Times a server set is gone through. */
  readonly tries: number
  /** From the question to its answer, whatever happens. */
  readonly deadline: number
  readonly minTtl: number
  readonly maxTtl: number
  readonly maxNegativeTtl: number
  /** A failure is remembered so long, doubling up to `maxFailureTtl` while it goes on. */
  readonly failureTtl: number
  readonly maxFailureTtl: number
  /** How long after expiry an answer may be served while no server answers; 0: never. Seconds. */
  readonly serveStale: number
  /** An entry used with less than this percentage of its TTL left is asked for again in the background; 0: never. */
  readonly prefetch: number
  /** Queries in flight at once, over all names. */
  readonly maxInFlight: number
  /** Our UDP payload size (RFC 6891). 0: no EDNS. */
  readonly ednsSize: number
}
