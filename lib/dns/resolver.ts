import { AnswerCache, type Entry } from './cache'
import { Exchanges } from './exchanges'
import { InFlight } from './in-flight'
import type { Log } from './log'
import { badName, Lookups, type Records } from './lookups'
import { toQueryName } from './names'
import { systemLookup, type SystemLookup } from './system'
import { SystemServers } from './system-servers'
import type { Answer, MailResolver, Question, ResolverOptions, ServerAddress } from './types'
import type { AddressAnswer, InetPrefer, MxAnswer, MxRecord } from '../model/dns-answer'
import { Upstreams, type ServerStats } from './upstreams'

export interface CreateResolverOptions {
  /** Empty: the system's, followed when they change. */
  readonly servers: readonly ServerAddress[]
  /** Answers remembered; 0: none. */
  readonly cacheSize: number
  readonly tuning: ResolverOptions
  /** A clock in milliseconds for TTLs and penalties; default: one that is never set back. */
  readonly now?: () => number
  /** As Math.random, which is the default. */
  readonly random?: () => number
  readonly log?: Log
  /** Certificates (PEM) that sign those of TLS servers; default: Node's own, with NODE_EXTRA_CA_CERTS. */
  readonly ca?: string
  /** Where the system names its servers; default /etc/resolv.conf. */
  readonly resolvConf?: string
  /** Default: getaddrinfo(3), which reads the hosts file. */
  readonly systemLookup?: SystemLookup
}

export interface ResolverStats {
  /** Questions answered from the cache, and those that were not. */
  readonly hits: number
  readonly misses: number
  /** Answers and failures remembered. */
  readonly entries: number
  /** Tries at a server. */
  readonly queries: number
  readonly inFlight: number
  readonly queued: number
  readonly servers: readonly ServerStats[]
}

/** One remembered answer, for those who show the cache. */
export interface CachedAnswer {
  readonly name: string
  /** Absent for NXDOMAIN, which covers every type. */
  readonly type?: Question['type']
  readonly kind: Entry['kind']
  readonly records: Entry['records']
  readonly server: string
  /** Seconds left. */
  readonly ttl: number
}

export interface Resolver extends MailResolver {
  /** The MX answer that is remembered, without waiting. The domain in lower case A-labels; undefined: use `mx`. */
  peekMx(domain: string): MxAnswer | undefined
  /** The addresses that are remembered, without waiting; undefined: use `addresses`. */
  peekAddresses(host: string, prefer: InetPrefer): AddressAnswer | undefined
  /**
   * One question, one answer: MX records are those that mail can use, a null MX alone has the exchange ''. Rejects with a
   * ResolveError when there is no answer.
   */
  resolve(question: Question & { readonly type: 'MX' }): Promise<Answer<MxRecord>>
  resolve(question: Question & { readonly type: 'A' | 'AAAA' }): Promise<Answer<string>>
  /** Forgets what is remembered, of one name or of all. */
  flush(name?: string): void
  /** The remembered answers that are live, most recently used first. */
  cached(): Iterable<CachedAnswer>
  stats(): ResolverStats
  /** Ends lookups under way and closes every socket; nothing is left that keeps the process. */
  close(): void
}

/**
 * A resolver of its own sockets, cache and knowledge of servers. Sockets without queries do not keep the process from ending.
 */
export function createResolver(options: CreateResolverOptions): Resolver {
  return new CachingResolver(options)
}

class CachingResolver implements Resolver {
  readonly #now: () => number
  readonly #cache: AnswerCache
  readonly #upstreams: Upstreams
  readonly #inFlight: InFlight
  readonly #lookups: Lookups
  readonly #exchanges: Exchanges

  constructor(options: CreateResolverOptions) {
    const { tuning, servers } = options
    const log = options.log ?? (() => {})
    const now = options.now ?? (() => performance.now())
    const random = options.random ?? Math.random
    const system =
      servers.length > 0 ? undefined : new SystemServers(options.resolvConf ?? '/etc/resolv.conf', now)
    this.#now = now
    this.#cache = new AnswerCache({ ...tuning, size: options.cacheSize })
    this.#inFlight = new InFlight(tuning.maxInFlight)
    this.#upstreams = new Upstreams({
      ...tuning,
      now,
      random,
      log,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(system === undefined ? {} : { changedServers: () => system.changed() }),
    })
    this.#upstreams.setServers(servers)
    this.#lookups = new Lookups({
      cache: this.#cache,
      upstreams: this.#upstreams,
      inFlight: this.#inFlight,
      tuning,
      now,
      log,
    })
    this.#exchanges = new Exchanges({
      lookups: this.#lookups,
      systemLookup: options.systemLookup ?? systemLookup,
      deadline: tuning.deadline,
      now,
      random,
    })
  }

  peekMx(domain: string): MxAnswer | undefined {
    return this.#exchanges.peekMx(domain)
  }

  peekAddresses(host: string, prefer: InetPrefer): AddressAnswer | undefined {
    return this.#exchanges.peekAddresses(host, prefer)
  }

  mx(domain: string): Promise<MxAnswer> {
    return this.#exchanges.mx(domain)
  }

  addresses(host: string, prefer: InetPrefer): Promise<AddressAnswer> {
    return this.#exchanges.addresses(host, prefer)
  }

  relayAddresses(host: string, prefer: InetPrefer): Promise<AddressAnswer> {
    return this.#exchanges.relayAddresses(host, prefer)
  }

  resolve(question: Question & { readonly type: 'MX' }): Promise<Answer<MxRecord>>
  resolve(question: Question & { readonly type: 'A' | 'AAAA' }): Promise<Answer<string>>
  resolve(question: Question): Promise<Answer<Records>> {
    const name = toQueryName(question.name)
    return name === undefined
      ? Promise.reject(badName(question.name))
      : this.#lookups.resolve({ name, type: question.type })
  }

  flush(name?: string): void {
    this.#cache.flush(name === undefined ? undefined : (toQueryName(name) ?? name))
  }

  *cached(): Generator<CachedAnswer> {
    const now = this.#now()
    for (const entry of this.#cache.entries(now)) {
      const { name, type, kind, records, server, expires } = entry
      const ttl = Math.ceil((expires - now) / 1000)
      yield { name, ...(type === undefined ? {} : { type }), kind, records, server, ttl }
    }
  }

  stats(): ResolverStats {
    const servers = this.#upstreams.stats()
    return {
      hits: this.#lookups.hits,
      misses: this.#lookups.misses,
      entries: this.#cache.size,
      queries: servers.reduce((sum, { queries }) => sum + queries, 0),
      inFlight: this.#inFlight.running,
      queued: this.#inFlight.queued,
      servers,
    }
  }

  close(): void {
    this.#lookups.close()
    this.#exchanges.close()
    this.#upstreams.close()
  }
}
