import type { AddressAnswer, InetPrefer, MxAnswer, Provenance } from '../model/dns-answer'

/** The record types that mail routing needs. */
export type QueryType = 'MX' | 'A' | 'AAAA'

/** One question (RFC 1035 4.1.2), class IN. `name`: A-labels, lower case, no trailing dot. */
export interface Question {
  readonly name: string
  readonly type: QueryType
}

/**
 * What a name server said. `records`: at least one record. `nodata`: the name exists, the type does not. `nxdomain`: the name
 * does not exist (RFC 2308). A lookup that failed is no Answer but a `ResolveError`.
 */
export type Answer<R> =
  | ({ readonly kind: 'records'; readonly records: readonly R[] } & Provenance)
  | ({ readonly kind: 'nodata' } & Provenance)
  | ({ readonly kind: 'nxdomain' } & Provenance)

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
