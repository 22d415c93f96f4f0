import type { ResolverStats } from '../dns/stats'
import { COUNTS, countKey } from './counts'

const NOTHING: ReadonlyMap<string, number> = new Map()

/** What a resolver has done since it was last looked at. A resolver that takes the place of another begins at 0. */
export class DnsCounts {
  #resolver: object | undefined
  #before = NOTHING

  /** @param resolver tells one resolver from another */
  take(resolver: object, stats: ResolverStats): Record<string, number> {
    const before = this.#resolver === resolver ? this.#before : NOTHING
    const now = new Map(totals(stats))
    this.#resolver = resolver
    this.#before = now
    const differences = [...now].map(([key, total]) => [key, total - (before.get(key) ?? 0)] as const)
    return Object.fromEntries(differences.filter(([, difference]) => difference > 0))
  }
}

function totals({ hits, shared, misses, stale, failures, servers }: ResolverStats): [string, number][] {
  return [
    [countKey(COUNTS.dnsCache, 'hit'), hits],
    [countKey(COUNTS.dnsCache, 'shared'), shared],
    [countKey(COUNTS.dnsCache, 'miss'), misses],
    [countKey(COUNTS.dnsCache, 'stale'), stale],
    ...Object.entries(failures).map(([code, total]): [string, number] => [
      countKey(COUNTS.dnsFailures, code),
      total,
    ]),
    ...servers.flatMap(({ server, results, latency }): [string, number][] => [
      ...Object.entries(results).flatMap(([type, counts]) =>
        Object.entries(counts).map(([result, total]): [string, number] => [
          countKey(COUNTS.dnsQueries, server, type, result),
          total,
        ]),
      ),
      [countKey(COUNTS.dnsAnswers, server), latency.count],
      [countKey(COUNTS.dnsAnswerTime, server), latency.sumMs],
    ]),
  ]
}
