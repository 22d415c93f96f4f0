import { isIP } from 'node:net'
import { ResolveError } from '../model/errors'
import type { AddressAnswer, InetPrefer, MxAnswer, Provenance } from '../model/dns-answer'
import { AnswerCache, type CacheEntry } from './cache'
import { InFlight } from './in-flight'
import type { Log } from './log'
import { toCachedAnswer, Lookups, secondsLeft } from './lookups'
import {
  joinFamilies,
  mxAnswer,
  rememberedAddresses,
  sortAddresses,
  type AddressOrder,
  type FamilyAnswer,
} from './mail-answers'
import { toQueryName } from './names'
import { ServerSets } from './server-sets'
import { type AnswerStore, SharedAnswers } from './shared-answers'
import type { ResolverStats } from './stats'
import { systemLookup, SystemLookups, type SystemLookup } from './system'
import { SystemServers } from './system-servers'
import type {
  Answer,
  Content,
  MailResolver,
  QueryType,
  Question,
  ResolverOptions,
  ServerAddress,
  ZoneServers,
} from './types'

export interface CreateResolverOptions {
  /** Empty: the servers of the system, also when they change. */
  readonly servers: readonly ServerAddress[]
  /** Domains with their own servers; default: none. */
  readonly zones?: readonly ZoneServers[]
  /** Answers remembered; 0: none. */
  readonly cacheSize: number
  readonly tuning: ResolverOptions
  /** Where answers are shared with other processes, and the name of this machine; default: they are not. */
  readonly sharing?: { readonly store: AnswerStore; readonly machine: string }
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

/** One remembered answer, to show the cache. */
export interface CachedAnswer {
  readonly name: string
  readonly type: QueryType
  readonly content: Content
  readonly server: string
  /** Seconds left. */
  readonly ttlSeconds: number
}

/** The part of the deadline that is kept for the system's lookup when DNS has used up the rest. */
const SYSTEM_SHARE_MS = 1_000

/**
 * The answer for a text that is not a domain name (RFC 1035 section 2.3.4: an empty or too long label, or a character that cannot be in
 * a name). It cannot exist, so no server is asked.
 */
const NOT_A_NAME = { how: 'fresh', server: 'syntax', ttlSeconds: 0 } as const satisfies Provenance

/**
 * A resolver with its own sockets, cache and knowledge of servers. Sockets without queries do not keep the process alive. Close it
 * when it is no longer used.
 */
export function createResolver(options: CreateResolverOptions): Resolver {
  return new Resolver(options)
}

/** See {@link createResolver}. */
export class Resolver implements MailResolver {
  readonly #now: () => number
  /** By preference, made once: a hit must allocate nothing but its answer. */
  readonly #orders: Readonly<Record<InetPrefer, AddressOrder>>
  readonly #deadlineMs: number
  readonly #cache: AnswerCache
  readonly #servers: ServerSets
  readonly #inFlight: InFlight
  readonly #lookups: Lookups
  readonly #system: SystemLookups

  constructor(options: CreateResolverOptions) {
    const { tuning, servers, zones = [], sharing, ca, log = () => {}, random = Math.random } = options
    const now = options.now ?? (() => performance.now())
    const system =
      servers.length > 0 ? undefined : new SystemServers(options.resolvConf ?? '/etc/resolv.conf', now)
    this.#now = now
    this.#orders = {
      v4: { prefer: 'v4', random },
      v6: { prefer: 'v6', random },
      default: { prefer: 'default', random },
    }
    this.#deadlineMs = tuning.deadlineMs
    this.#cache = new AnswerCache({ ...tuning, size: options.cacheSize })
    this.#inFlight = new InFlight(tuning.maxInFlight)
    this.#servers = new ServerSets({
      ...tuning,
      servers,
      zones,
      now,
      random,
      log,
      ...(ca === undefined ? {} : { ca }),
      ...(sharing === undefined ? {} : { machine: sharing.machine }),
      ...(system === undefined ? {} : { changedServers: () => system.readIfChanged() }),
    })
    this.#lookups = new Lookups({
      cache: this.#cache,
      ...(sharing === undefined || options.cacheSize === 0
        ? {}
        : { shared: new SharedAnswers({ store: sharing.store, servers: this.#servers }) }),
      servers: this.#servers,
      inFlight: this.#inFlight,
      tuning,
      now,
      log,
    })
    this.#system = new SystemLookups(options.systemLookup ?? systemLookup)
  }

  mx(domain: string): MxAnswer | Promise<MxAnswer> {
    const now = this.#now()
    const entry = this.#lookups.get('MX', domain, now)
    if (entry !== undefined) {
      return mxAnswer(entry.content, {
        how: 'cached',
        server: entry.server,
        ttlSeconds: secondsLeft(entry, now),
      })
    }
    const name = toQueryName(domain)
    return name === undefined ? { kind: 'nxdomain', ...NOT_A_NAME } : this.#askMx(name)
  }

  addresses(host: string, prefer: InetPrefer): AddressAnswer | Promise<AddressAnswer> {
    return this.#addresses(host, prefer, this.#deadlineMs)
  }

  relayAddresses(host: string, prefer: InetPrefer): AddressAnswer | Promise<AddressAnswer> {
    const startedAt = performance.now()
    const share = Math.min(SYSTEM_SHARE_MS, this.#deadlineMs / 4)
    const known = this.#addresses(host, prefer, this.#deadlineMs - share)
    return !(known instanceof Promise) && known.kind === 'addresses'
      ? known
      : this.#orFromSystem(known, host, prefer, startedAt)
  }

  /** One question, one answer. Rejects with a ResolveError when there is no answer. */
  resolve<T extends QueryType>(question: Question<T>): Promise<Answer<T>> {
    const name = toQueryName(question.name)
    return name === undefined
      ? Promise.reject(notAName(question.name))
      : this.#lookups.resolve({ name, type: question.type })
  }

  /** Forgets what is remembered, of one name or of all. */
  flush(name?: string): void {
    this.#cache.flush(name === undefined ? undefined : (toQueryName(name) ?? name))
  }

  /** The live answers in the cache, most recently used first. Reading them changes nothing. */
  *cached(): Generator<CachedAnswer> {
    const now = this.#now()
    for (const entry of this.#cache.entries(now)) {
      const { name, type, content, server } = entry
      yield { name, type, content, server, ttlSeconds: secondsLeft(entry, now) }
    }
  }

  /** What it has done since it was created. */
  stats(): ResolverStats {
    const servers = this.#servers.stats()
    return {
      ...this.#lookups.stats,
      entries: this.#cache.size,
      queries: servers.reduce((sum, { queries }) => sum + queries, 0),
      inFlight: this.#inFlight.running,
      queued: this.#inFlight.queued,
      servers,
    }
  }

  /** Ends lookups under way and closes every socket. Nothing is left that keeps the process alive. */
  close(): void {
    this.#lookups.close()
    this.#system.close()
    this.#servers.close()
  }

  async #askMx(name: string): Promise<MxAnswer> {
    try {
      const answer = await this.#lookups.resolve({ name, type: 'MX' })
      return mxAnswer(answer, answer)
    } catch (error) {
      return { kind: 'failed', error: asResolveError(error) }
    }
  }

  #addresses(host: string, prefer: InetPrefer, deadlineMs: number): AddressAnswer | Promise<AddressAnswer> {
    const now = this.#now()
    const v4 = this.#lookups.get('A', host, now)
    const v6 = this.#lookups.get('AAAA', host, now)
    if (v4 !== undefined && v6 !== undefined) {
      return rememberedAddresses(v4, v6, now, this.#orders[prefer])
    }
    // After the cache, which has no address as a name: a hit should cost nothing else.
    if (isIP(host) !== 0) {
      return { kind: 'addresses', addresses: [host], how: 'fresh', server: 'literal', ttlSeconds: 0 }
    }
    const name = toQueryName(host)
    if (name === undefined) return { kind: 'none', proven: true, ...NOT_A_NAME }
    const family = <T extends 'A' | 'AAAA'>(
      type: T,
      known: CacheEntry<T> | undefined,
    ): Promise<FamilyAnswer> =>
      known === undefined
        ? this.#lookups.resolve({ name, type }, deadlineMs).catch(asResolveError)
        : Promise.resolve(toCachedAnswer(known, now))
    return this.#joinFamilies(family('A', v4), family('AAAA', v6), prefer)
  }

  async #joinFamilies(
    v4: Promise<FamilyAnswer>,
    v6: Promise<FamilyAnswer>,
    prefer: InetPrefer,
  ): Promise<AddressAnswer> {
    return joinFamilies(await v4, await v6, this.#orders[prefer])
  }

  /** `startedAt` in milliseconds of performance.now(): the deadline is in real time. */
  async #orFromSystem(
    fromDns: AddressAnswer | Promise<AddressAnswer>,
    host: string,
    prefer: InetPrefer,
    startedAt: number,
  ): Promise<AddressAnswer> {
    const known = await fromDns
    if (known.kind === 'addresses') return known
    const name = toQueryName(host)
    if (name === undefined) return known
    try {
      const leftMs = Math.max(0, this.#deadlineMs - (performance.now() - startedAt))
      const found = await this.#system.addresses(name, leftMs)
      if (found.length === 0) return known
      const addresses = sortAddresses(found, this.#orders[prefer])
      return { kind: 'addresses', addresses, how: 'fresh', server: 'system', ttlSeconds: 0 }
    } catch (error) {
      // DNS has no address, or failed too. The system might have one, so the absence is not proven.
      return known.kind === 'none' ? { kind: 'failed', error: asResolveError(error) } : known
    }
  }
}

/** No server was asked, and asking later will not help. */
function notAName(text: string): ResolveError {
  return new ResolveError(`${JSON.stringify(text)} is not a domain name`, {
    code: 'EBADNAME',
    temporary: false,
  })
}

function asResolveError(error: unknown): ResolveError {
  if (error instanceof ResolveError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ResolveError(message, { code: 'EFAILED', temporary: true, cause: error })
}
