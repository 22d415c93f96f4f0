import type { ResolveError } from '../model/errors'
import type { QueryType } from './types'
import type { MxRecord } from '../model/dns-answer'

/** What the cache keeps of an answer. `ttl` in seconds, 0: not kept. */
export interface Keepable {
  readonly kind: 'records' | 'nodata' | 'nxdomain'
  /** Empty unless `kind` is `records`. */
  readonly records: readonly (MxRecord | string)[]
  readonly server: string
  readonly ttl: number
}

/** A remembered answer. */
export interface Entry extends Keepable {
  readonly name: string
  /** Absent for NXDOMAIN, which covers every type (RFC 2308 5, RFC 8020). */
  readonly type: QueryType | undefined
  /** Times of the injected clock, milliseconds. */
  readonly expires: number
  readonly prefetchAt: number
}

export interface CacheOptions {
  /** Entries; 0: nothing is kept. */
  readonly size: number
  /** Percentage of the TTL that is left when an entry should be asked for again; 0: never. */
  readonly prefetch: number
  /** Seconds after expiry for which an entry may still be wanted. */
  readonly serveStale: number
  /** Seconds. */
  readonly failureTtl: number
  readonly maxFailureTtl: number
}

interface Failure {
  readonly error: ResolveError
  readonly until: number
  /** Failures in a row. */
  readonly times: number
}

interface Node {
  readonly map: Map<string, Node>
  readonly name: string
  entry: Entry | undefined
  failure: Failure | undefined
  newer: Node | undefined
  older: Node | undefined
}

/**
 * Answers until their TTL is over, the least recently used going first when there are too many. A map for each type, so that a
 * hit needs no key to be built. Failures are counted as entries too (RFC 9520 3.2).
 */
export class AnswerCache {
  readonly #options: CacheOptions
  readonly #types: Readonly<Record<QueryType, Map<string, Node>>> = {
    MX: new Map(),
    A: new Map(),
    AAAA: new Map(),
  }
  readonly #nxdomain = new Map<string, Node>()
  #newest: Node | undefined
  #oldest: Node | undefined
  #size = 0

  constructor(options: CacheOptions) {
    this.#options = options
  }

  /** Entries held, among them those out of date that were not yet dropped. */
  get size(): number {
    return this.#size
  }

  /** A live answer. */
  get(type: QueryType, name: string, now: number): Entry | undefined {
    return this.#live(this.#types[type], name, now) ?? this.#live(this.#nxdomain, name, now)
  }

  /** Records out of date that may be served for want of better; never an absence (RFC 8767 4). */
  stale(type: QueryType, name: string, now: number): Entry | undefined {
    const entry = this.#types[type].get(name)?.entry
    if (entry?.kind !== 'records') return undefined
    return now < entry.expires + this.#options.serveStale * 1000 ? entry : undefined
  }

  put(type: QueryType, name: string, answer: Keepable, now: number): void {
    const absent = answer.kind === 'nxdomain'
    // The newer word replaces the older: a name that is not there has no records, and one that has records is there.
    if (absent) for (const map of Object.values(this.#types)) this.#drop(map.get(name))
    else this.#drop(this.#nxdomain.get(name))
    const map = absent ? this.#nxdomain : this.#types[type]
    if (answer.ttl <= 0 || this.#options.size === 0) {
      this.#drop(map.get(name))
      return
    }
    const lifetime = answer.ttl * 1000
    const node = this.#touch(map, name)
    node.failure = undefined
    node.entry = {
      kind: answer.kind,
      // An array that was filled by pushing has room for a dozen more; a copy has none.
      records: answer.records.slice(),
      server: answer.server,
      ttl: answer.ttl,
      name,
      type: absent ? undefined : type,
      expires: now + lifetime,
      prefetchAt: this.#options.prefetch > 0 ? now + lifetime * (1 - this.#options.prefetch / 100) : Infinity,
    }
    this.#trim()
  }

  /** The failure that is remembered of a lookup, if it is not to be tried again yet. */
  failure(type: QueryType, name: string, now: number): ResolveError | undefined {
    const failure = this.#types[type].get(name)?.failure
    return failure !== undefined && now < failure.until ? failure.error : undefined
  }

  /** Remembers a failure, longer each time. A live answer stays in force. */
  fail(type: QueryType, name: string, error: ResolveError, now: number): void {
    if (this.#options.size === 0) return
    const node = this.#touch(this.#types[type], name)
    const before = node.failure
    const goesOn = before !== undefined && now < before.until + this.#options.maxFailureTtl * 1000
    const times = goesOn ? before.times + 1 : 1
    const seconds = Math.min(this.#options.maxFailureTtl, this.#options.failureTtl * 2 ** (times - 1))
    node.failure = { error, until: now + seconds * 1000, times }
    this.#trim()
  }

  /** Forgets one name, or all. */
  flush(name?: string): void {
    for (const map of [...Object.values(this.#types), this.#nxdomain]) {
      if (name === undefined) for (const node of map.values()) this.#drop(node)
      else this.#drop(map.get(name))
    }
  }

  /** The live answers, most recently used first. */
  *entries(now: number): Generator<Entry> {
    for (let node = this.#newest; node !== undefined; node = node.older) {
      if (node.entry !== undefined && now < node.entry.expires) yield node.entry
    }
  }

  #live(map: Map<string, Node>, name: string, now: number): Entry | undefined {
    const node = map.get(name)
    const entry = node?.entry
    if (node === undefined || entry === undefined || now >= entry.expires) return undefined
    if (node !== this.#newest) this.#moveToFront(node)
    return entry
  }

  #touch(map: Map<string, Node>, name: string): Node {
    let node = map.get(name)
    if (node === undefined) {
      node = { map, name, entry: undefined, failure: undefined, newer: undefined, older: undefined }
      map.set(name, node)
      this.#size++
      this.#linkFront(node)
    } else if (node !== this.#newest) {
      this.#moveToFront(node)
    }
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
