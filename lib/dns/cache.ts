import type { ResolveError } from '../model/errors'
import type { Content, QueryType } from './types'

/** A remembered answer. */
export interface CacheEntry<T extends QueryType = QueryType> {
  readonly name: string
  readonly type: T
  readonly content: Content<T>
  readonly server: string
  /** Times of the injected clock, milliseconds. */
  readonly expiresAt: number
  readonly prefetchAt: number
}

/** An answer to be remembered. */
export interface Keepable<T extends QueryType = QueryType> {
  readonly content: Content<T>
  readonly server: string
  /** 0: the answer is not kept. */
  readonly ttlSeconds: number
}

export interface CacheOptions {
  /** Entries; 0: nothing is kept. */
  readonly size: number
  /** Percentage of the TTL that is left when an entry should be refreshed; 0: never. */
  readonly prefetchPercent: number
  /** How long after expiry records may still be served. */
  readonly serveStaleSeconds: number
  readonly failureTtlSeconds: number
  readonly maxFailureTtlSeconds: number
}

interface FailedLookup {
  readonly error: ResolveError
  /** Milliseconds of the resolver's clock. */
  readonly until: number
  /** Failures in a row. */
  readonly times: number
}

interface Node<T extends QueryType = QueryType> {
  readonly map: Map<string, Node<T>>
  readonly name: string
  entry: CacheEntry<T> | undefined
  failure: FailedLookup | undefined
  newer: Node | undefined
  older: Node | undefined
}

/**
 * Answers until their TTL is over. If there are too many, the least recently used one is dropped. Each type is remembered apart: an
 * absence of one type says nothing about another, because some servers answer type by type (RFC 4074 section 4.2). There is a map for
 * each type, so that a hit does not have to build a key. Failures count as entries too (RFC 9520 section 3.2).
 */
export class AnswerCache {
  readonly #options: CacheOptions
  readonly #types: { readonly [T in QueryType]: Map<string, Node<T>> } = {
    MX: new Map(),
    A: new Map(),
    AAAA: new Map(),
  }
  #newest: Node | undefined
  #oldest: Node | undefined
  #size = 0

  constructor(options: CacheOptions) {
    this.#options = options
  }

  /** How many entries there are, including expired ones that were not dropped yet. */
  get size(): number {
    return this.#size
  }

  /** Uses a live answer: it becomes the most recently used. `now` in milliseconds. */
  get<T extends QueryType>(type: T, name: string, now: number): CacheEntry<T> | undefined {
    const node = this.#types[type].get(name)
    const entry = node?.entry
    if (node === undefined || entry === undefined || now >= entry.expiresAt) return undefined
    if (node !== this.#newest) this.#moveToFront(node)
    return entry
  }

  /** Expired records that may be served while no server answers; never an absence (RFC 8767 section 4). */
  stale<T extends QueryType>(type: T, name: string, now: number): CacheEntry<T> | undefined {
    const entry = this.#types[type].get(name)?.entry
    if (entry?.content.kind !== 'records') return undefined
    return now < entry.expiresAt + this.#options.serveStaleSeconds * 1000 ? entry : undefined
  }

  /** Remembers an answer. It replaces what was known of this name and type. */
  put<T extends QueryType>(type: T, name: string, answer: Keepable<T>, now: number): void {
    const map: Map<string, Node<T>> = this.#types[type]
    if (answer.ttlSeconds <= 0 || this.#options.size === 0) {
      this.#drop(map.get(name))
      return
    }
    const lifetimeMs = answer.ttlSeconds * 1000
    const { prefetchPercent } = this.#options
    const node = this.#touch(map, name)
    node.failure = undefined
    node.entry = {
      name,
      type,
      content: compact(answer.content),
      server: answer.server,
      expiresAt: now + lifetimeMs,
      prefetchAt: prefetchPercent > 0 ? now + lifetimeMs * (1 - prefetchPercent / 100) : Infinity,
    }
    this.#trim()
  }

  /** The remembered failure of a lookup, if it is too early to try again. */
  failure(type: QueryType, name: string, now: number): ResolveError | undefined {
    const failure = this.#types[type].get(name)?.failure
    return failure !== undefined && now < failure.until ? failure.error : undefined
  }

  /**
   * Remembers a failure, longer each time. A live answer stays in force.
   *
   * @returns for how long, seconds
   */
  fail(type: QueryType, name: string, error: ResolveError, now: number): number {
    const { size, failureTtlSeconds, maxFailureTtlSeconds } = this.#options
    if (size === 0) return 0
    const node = this.#touch(this.#types[type], name)
    const before = node.failure
    const goesOn = before !== undefined && now < before.until + maxFailureTtlSeconds * 1000
    const times = goesOn ? before.times + 1 : 1
    const seconds = Math.min(maxFailureTtlSeconds, failureTtlSeconds * 2 ** (times - 1))
    node.failure = { error, until: now + seconds * 1000, times }
    this.#trim()
    return seconds
  }

  /** Remembers a failure that another process has met, for `seconds`. It does not make those of this process last longer. */
  adoptFailure(
    type: QueryType,
    name: string,
    { error, seconds }: { readonly error: ResolveError; readonly seconds: number },
    now: number,
  ): void {
    const { size, maxFailureTtlSeconds } = this.#options
    if (size === 0) return
    const node = this.#touch(this.#types[type], name)
    const until = now + Math.min(seconds, maxFailureTtlSeconds) * 1000
    node.failure = { error, until, times: node.failure?.times ?? 0 }
    this.#trim()
  }

  /** Forgets one name, or all. */
  flush(name?: string): void {
    for (const map of Object.values<Map<string, Node>>(this.#types)) {
      if (name === undefined) for (const node of map.values()) this.#drop(node)
      else this.#drop(map.get(name))
    }
  }

  /** The live answers, most recently used first. Reading them changes nothing. */
  *entries(now: number): Generator<CacheEntry> {
    for (let node = this.#newest; node !== undefined; node = node.older) {
      if (node.entry !== undefined && now < node.entry.expiresAt) yield node.entry
    }
  }

  #touch<T extends QueryType>(map: Map<string, Node<T>>, name: string): Node<T> {
    const known = map.get(name)
    if (known !== undefined) {
      if (known !== this.#newest) this.#moveToFront(known)
      return known
    }
    const node: Node<T> = {
      map,
      name,
      entry: undefined,
      failure: undefined,
      newer: undefined,
      older: undefined,
    }
    map.set(name, node)
    this.#size++
    this.#linkFront(node)
    return node
  }

  #trim(): void {
    while (this.#size > this.#options.size) this.#drop(this.#oldest)
  }

  #drop(node: Node | undefined): void {
    if (node === undefined) return
    node.map.delete(node.name)
    this.#size--
    this.#unlink(node)
  }

  #moveToFront(node: Node): void {
    this.#unlink(node)
    this.#linkFront(node)
  }

  #linkFront(node: Node): void {
    node.newer = undefined
    node.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = node
    this.#newest = node
    this.#oldest ??= node
  }

  #unlink(node: Node): void {
    if (node.newer === undefined) this.#newest = node.older
    else node.newer.older = node.older
    if (node.older === undefined) this.#oldest = node.newer
    else node.older.newer = node.newer
  }
}

/** An array that was filled with push has spare room for a dozen more elements; a copy does not. */
function compact<T extends QueryType>(content: Content<T>): Content<T> {
  return content.kind === 'records' ? { kind: 'records', records: content.records.slice() } : content
}
