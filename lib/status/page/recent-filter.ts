import { toALabels } from '../../model/domain'
import { SOURCES } from '../decision-counts'
import { type DecisionResult, listResults, type Result, RESULTS } from '../decision-result'
import type { DecisionEntry } from '../facts'

/** Which of the last decisions are shown. */
export interface RecentFilter {
  /** What the recipient domain contains, as it was written; empty: any. */
  readonly domain: string
  /** What decided; undefined: any. */
  readonly source: DecisionEntry['source'] | undefined
  /** What came of it; undefined: any. */
  readonly result: Result | undefined
}

/** Reads what a request asks for; what makes no sense counts as absent. @param text the value of a field of the query */
export function readRecentFilter(text: (name: string) => string): RecentFilter {
  return {
    domain: text('domain'),
    source: SOURCES.find((word) => word === text('by')),
    result: RESULTS.find((word) => word === text('result')),
  }
}

/** The filter as fields of a query, without those that are absent. */
export function recentParameters({ domain, source, result }: RecentFilter): Record<string, string> {
  return {
    ...(domain === '' ? {} : { domain }),
    ...(source === undefined ? {} : { by: source }),
    ...(result === undefined ? {} : { result }),
  }
}

/** The decisions that are asked for, in their order. @param decisions newest first */
export function filterDecisions(
  decisions: readonly DecisionEntry[],
  { domain, source, result }: RecentFilter,
): readonly DecisionResult[] {
  const host = domain.slice(domain.lastIndexOf('@') + 1)
  const part = toALabels(host) ?? host.toLowerCase()
  return listResults(decisions).filter(
    ({ entry, result: found }) =>
      entry.domain.includes(part) &&
      (source === undefined || entry.source === source) &&
      (result === undefined || found === result),
  )
}
