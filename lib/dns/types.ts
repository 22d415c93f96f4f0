import type { AddressAnswer, InetPrefer, MxAnswer, MxRecord, Provenance } from '../model/dns-answer'

/** The content of a record, for each type that mail routing needs. Addresses are text. */
export interface RecordOf {
  readonly MX: MxRecord
  readonly A: string
  readonly AAAA: string
}

export type QueryType = keyof RecordOf

/** One question (RFC 1035 section 4.1.2), class IN. `name`: A-labels, lower case, no trailing dot. */
export interface Question<T extends QueryType = QueryType> {
  readonly name: string
  readonly type: T
}

/** What a name server said to a question. A lookup that failed is not an answer but a `ResolveError`. */
export type Content<T extends QueryType = QueryType> =
  /** At least one record. */
  | { readonly kind: 'records'; readonly records: readonly RecordOf[T][] }
  /** Only to a question for MX: the domain accepts no mail (RFC 7505). */
  | { readonly kind: 'nullmx' }
  /** No record of this type. `proven`: see `Absence` of the model. */
  | { readonly kind: 'nodata'; readonly proven: boolean }
  /** The name does not exist, which is remembered for this type only (RFC 2308 section 2.1). */
  | { readonly kind: 'nxdomain' }

/** An answer to a question, and where it comes from. */
export type Answer<T extends QueryType = QueryType> = Content<T> & Provenance

/**
 * What the rest of the plugin asks DNS for. A remembered answer is returned at once, without a promise; any other is promised
 * within the overall deadline. Never rejects, never throws.
 */
export interface MailResolver {
  /**
   * The MX records of a domain, sorted by priority, equals in the order of the answer (the caller shuffles). Records whose
   * exchange is not a host name are dropped with a warning; a null MX beside real ones is ignored.
   */
  mx(domain: string): MxAnswer | Promise<MxAnswer>
  /** The A and AAAA records of a host: shuffled within a family, families in the order of `prefer`. */
  addresses(host: string, prefer: InetPrefer): AddressAnswer | Promise<AddressAnswer>
  /**
   * As {@link MailResolver.addresses}, for a relay of the configuration: a name that DNS does not know is looked up by the system
   * (hosts file).
   */
  relayAddresses(host: string, prefer: InetPrefer): AddressAnswer | Promise<AddressAnswer>
}

/** One configured server. */
export interface ServerAddress {
  readonly address: string
  readonly port: number
  /** `udp` goes to TCP when a reply is truncated; `tls` is DNS over TLS (RFC 7858). */
  readonly transport: 'udp' | 'tls'
  /** Name that the TLS certificate must be valid for; absent: the address itself. */
  readonly tlsName?: string
}

/** The servers of a domain and all names below it, `[zone:DOMAIN]`. They are the only ones that are asked. */
export interface ZoneServers {
  /** A-labels in lower case, without trailing dot. */
  readonly domain: string
  /** At least one. */
  readonly servers: readonly ServerAddress[]
}

/** Tuning of the resolver, section `[dns]`. */
export interface ResolverOptions {
  /** `strict`: servers are asked in the order in which they are written. `fastest`: by round trip. */
  readonly order: 'strict' | 'fastest'
  /** How long one try at one server is waited for. */
  readonly timeoutMs: number
  /** How often the list of servers is gone through. */
  readonly tries: number
  /** The longest time from a question to its answer. */
  readonly deadlineMs: number
  readonly minTtlSeconds: number
  readonly maxTtlSeconds: number
  readonly maxNegativeTtlSeconds: number
  /** How long a failure is remembered; it doubles up to `maxFailureTtlSeconds` while it goes on. */
  readonly failureTtlSeconds: number
  readonly maxFailureTtlSeconds: number
  /** How long after expiry records may be served while no server answers; 0: never. */
  readonly serveStaleSeconds: number
  /** An entry that is used with less than this percentage of its TTL left is refreshed in the background; 0: never. */
  readonly prefetchPercent: number
  /** Queries in flight at once, over all names. */
  readonly maxInFlight: number
  /** Our UDP payload size in octets (RFC 6891). 0: no EDNS. */
  readonly ednsSize: number
}
