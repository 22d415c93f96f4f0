import type { QueryType, ServerAddress } from './types'

/** How often each word was added. */
export type WordCounts = Readonly<Record<string, number>>

/** One server, since it was configured. */
export interface ServerStats {
  /** `ip:port`. */
  readonly server: string
  readonly transport: ServerAddress['transport']
  /** The `[zone:DOMAIN]` that the server belongs to; absent for `dns_servers` and the system's. */
  readonly zone?: string
  /** Smoothed round trip; absent before the first answer. */
  readonly rttMs?: number
  /** Failures in a row; above 0 the server is asked last. */
  readonly failures: number
  /** Tries at this server, probes included. */
  readonly queries: number
  /**
   * How the tries ended, by type of question: `NOERROR`, `NXDOMAIN`, or the code of the failure, such as `ESERVFAIL` or `ETIMEOUT`.
   * A late reply counts besides the timeout of its try.
   */
  readonly results: Readonly<Record<QueryType, WordCounts>>
  /** The number of all tries that got an answer, and the sum of their round trips. */
  readonly latency: { readonly count: number; readonly sumMs: number }
}

/** What the resolver has done since it was created; for a status page and for metrics. Counters never go down. */
export interface ResolverStats {
  /** Questions answered from the cache. */
  readonly hits: number
  /** Questions that were answered by what another process knew. */
  readonly shared: number
  /** Questions that had to be asked, joined to one under way, or refused because they failed a moment ago. */
  readonly misses: number
  /** Expired records that were served because no server answered. */
  readonly stale: number
  /** Lookups that failed, by code. */
  readonly failures: WordCounts
  /** Answers and failures remembered now. */
  readonly entries: number
  /** Tries at servers that are configured now. */
  readonly queries: number
  /** Questions at the servers now. */
  readonly inFlight: number
  /** Questions that wait for their turn now. */
  readonly queued: number
  readonly servers: readonly ServerStats[]
}

/** Counts how often each word was added. */
export class Counter {
  readonly #counts = new Map<string, number>()

  add(word: string): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
  }

  get counts(): WordCounts {
    return Object.fromEntries(this.#counts)
  }
}

/** Counts what one server does. */
export class ServerCounters {
  readonly #results: Readonly<Record<QueryType, Counter>> = {
    MX: new Counter(),
    A: new Counter(),
    AAAA: new Counter(),
  }
  #latencyCount = 0
  #latencySumMs = 0
  queries = 0

  countEnd(type: QueryType, result: string): void {
    this.#results[type].add(result)
  }

  countAnswer(type: QueryType, result: string, rttMs: number): void {
    this.countEnd(type, result)
    this.#latencyCount++
    this.#latencySumMs += rttMs
  }

  get stats(): Pick<ServerStats, 'queries' | 'results' | 'latency'> {
    const { MX, A, AAAA } = this.#results
    return {
      queries: this.queries,
      results: { MX: MX.counts, A: A.counts, AAAA: AAAA.counts },
      latency: { count: this.#latencyCount, sumMs: this.#latencySumMs },
    }
  }
}
