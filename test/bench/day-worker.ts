/** A worker process of the simulated day: the real cache and the real decision, with answers of DNS that are made up. */
import { AnswerCache, type CacheEntry } from '../../lib/dns/cache'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { mxAnswer, rememberedAddresses } from '../../lib/dns/mail-answers'
import type { Content, MailResolver, QueryType } from '../../lib/dns/types'
import type { AddressAnswer, MxAnswer } from '../../lib/model/dns-answer'
import { BLANK_MESSAGE, type Message } from '../../lib/model/message'
import { decideWithDns } from '../../lib/routing/decide-with-dns'
import { locateAll } from '../../lib/routing/route'
import type { RuleSet } from '../../lib/rules/compile'
import { decide } from '../../lib/rules/decide'
import { domainData, NEGATIVE_TTL, rankOf } from './day-mail'

const SERVER = '192.0.2.53#53'
const ORDER = { prefer: 'default', random: Math.random } as const

export const createCache = (size: number) => new AnswerCache({ ...DNS_DEFAULTS, size })

/** What all workers ask of the world, counted. */
export interface DayCounts {
  messages: number
  /** Messages for which nothing had to be asked. */
  ready: number
  /** Questions that Redis was asked. */
  searches: number
  /** Questions to name servers. */
  queries: number
}

export interface DayWorkerParts {
  readonly rules: RuleSet
  readonly cacheSize: number
  /** Answers that the workers share; absent: each has its own alone. */
  readonly shared?: AnswerCache
  /** Milliseconds. */
  readonly now: () => number
  readonly counts: DayCounts
  /** See `DayMail`. */
  readonly part: number
}

export class DayWorker implements MailResolver {
  readonly cache: AnswerCache
  readonly #parts: DayWorkerParts
  readonly #message: Message & { domain: string } = { ...BLANK_MESSAGE, domain: '' }

  constructor(parts: DayWorkerParts) {
    this.#parts = parts
    this.cache = createCache(parts.cacheSize)
  }

  /** Decides where a message goes, and finds the addresses, as `get_mx` does. */
  route(domain: string): void {
    const { counts, rules } = this.#parts
    const before = counts.searches + counts.queries
    this.#message.domain = domain
    const decision = decideWithDns(
      decide,
      { rules, message: this.#message },
      {
        mx: (name) => this.mx(name),
        addresses: (name) => this.addresses(name),
      },
    )
    if (decision instanceof Promise) throw new Error('the simulation waits for nothing')
    if (decision.outcome === 'deliver') void locateAll(decision.exchanges, this, 'default')
    counts.messages++
    if (counts.searches + counts.queries === before) counts.ready++
  }

  mx(domain: string): MxAnswer {
    const { content } = this.#find('MX', domain)
    return mxAnswer(content, { how: 'cached', server: SERVER, ttlSeconds: 1 })
  }

  addresses(host: string): AddressAnswer {
    return rememberedAddresses(this.#find('A', host), this.#find('AAAA', host), this.#parts.now(), ORDER)
  }

  relayAddresses(host: string): AddressAnswer {
    return this.addresses(host)
  }

  #find<T extends QueryType>(type: T, name: string): CacheEntry<T> {
    const now = this.#parts.now()
    return this.cache.get(type, name, now) ?? this.#ask(type, name, now)
  }

  #ask<T extends QueryType>(type: T, name: string, now: number): CacheEntry<T> {
    const { shared, counts, part } = this.#parts
    if (shared !== undefined) {
      counts.searches++
      const entry = shared.get(type, name, now)
      if (entry !== undefined) return this.#keep(entry, now)
    }
    counts.queries++
    const { content, ttl } = answerTo(type, name, part)
    const expiresAt = now + ttl * 1000
    const entry: CacheEntry<T> = { name, type, content, server: SERVER, expiresAt, prefetchAt: Infinity }
    shared?.put(type, name, { content, server: SERVER, ttlSeconds: ttl }, now)
    return this.#keep(entry, now)
  }

  #keep<T extends QueryType>(entry: CacheEntry<T>, now: number): CacheEntry<T> {
    const { type, name, content, server, expiresAt } = entry
    this.cache.put(type, name, { content, server, ttlSeconds: (expiresAt - now) / 1000 }, now)
    return entry
  }
}

/** What the name servers of the world say. */
function answerTo<T extends QueryType>(
  type: T,
  name: string,
  part: number,
): { readonly content: Content<T>; readonly ttl: number } {
  const rank = rankOf(name)
  const answer = (records: readonly unknown[], ttl: number) => ({
    content: { kind: 'records', records } as Content<T>,
    ttl,
  })
  if (Number.isNaN(rank)) return type === 'A' ? answer(['192.0.2.1'], 300) : absent()
  const { mx } = domainData(rank, part)
  if (mx === undefined) return { content: { kind: 'nxdomain' }, ttl: NEGATIVE_TTL }
  if (type === 'MX') {
    return answer(
      mx.hosts.map((host, n) => ({ priority: 10 * (n + 1), exchange: host.name })),
      mx.ttl,
    )
  }
  const host = mx.hosts.find((each) => each.name === name)
  return type === 'A' && host !== undefined ? answer(['192.0.2.1'], host.ttl) : absent()
}

const absent = () => ({ content: { kind: 'nodata', proven: true } as const, ttl: NEGATIVE_TTL })
