import { exchangeKey, sectionName, type Exchange } from '../model/exchange'
import { toPrintable } from '../model/printable'
import type { Terms } from '../model/terms'
import type { Hold } from '../relays/holds'
import { sectionKey, useKey } from '../relays/section'
import type { ServerStatus } from '../relays/types'
import type { RunningServer } from './server-state'
import { formatCount, formatTime } from './wording'

/**
 * One relay, terms of direct mail, or one of their servers, as the running server sees it over all workers. There may be 10,000, so that
 * they are made small: with all fields, and in one go.
 */
export interface RelaySummary {
  /** `[user@]host:port`; of terms their title. */
  readonly key: string
  /** The section's name; undefined for the server of an override line, and for `[direct]`. */
  readonly name: string | undefined
  readonly hold: Hold | undefined
  /** The worst that a worker sees. */
  readonly breaker: ServerStatus['breaker']
  /** Workers of which the breaker is not closed, and all workers. */
  readonly failingWorkers: number
  readonly workers: number
  /** Failures in a row. */
  readonly failures: number
  readonly lastFailure: string | undefined
  /** When the first worker tries it again, ms since the epoch. */
  readonly retryAt: number | undefined
  readonly connections: number
  /** Messages that wait: for the hold to end, for a limit, for a free connection. */
  readonly waiting: number
  readonly sentLastHour: number
  readonly maxConnections: number | undefined
  readonly maxPerHour: number | undefined
}

const BREAKERS = ['closed', 'half-open', 'open'] as const

/** What the workers' reports are looked for by. */
export interface ReportedServer {
  /** See {@link RelaySummary}. */
  readonly key: string
  readonly name?: string | undefined
  /** Of a server of direct mail: the title of its terms, which have the counts. */
  readonly terms?: string | undefined
}

/** Adds up what all workers report of one exchange: its breaker, and hold and limits of its section. */
export function summarizeExchange(
  exchange: Pick<Exchange, 'endpoint' | 'relay' | 'origin' | 'terms'>,
  state: RunningServer,
): RelaySummary {
  const key = exchangeKey(exchange)
  const use = useKey(exchange)
  const reported = { key, name: sectionName(exchange), ...(use === key ? {} : { terms: use }) }
  return withLimits(summarizeReports(reported, state, sectionKey(exchange)), exchange.terms)
}

/** A summary with the limits that hold. */
export function withLimits(summary: RelaySummary, { maxConnections, maxPerHour }: Terms): RelaySummary {
  return { ...summary, maxConnections, maxPerHour }
}

/**
 * As {@link summarizeExchange}, without limits.
 *
 * @param limitKey what they are counted under
 */
export function summarizeReports(
  { key, name, terms }: ReportedServer,
  { reportsOf, limitOf, waitingAt, workers, holds }: RunningServer,
  limitKey = name ?? key,
): RelaySummary {
  const reports = reportsOf(key, terms)
  const uses = terms === undefined ? reports : reportsOf(terms)
  const add = (of: (report: ServerStatus) => number, among = uses) =>
    among.reduce((total, report) => total + of(report), 0)
  const failing = reports.filter(({ breaker }) => breaker !== 'closed')
  const retries = failing.flatMap(({ retryAt }) => retryAt ?? [])
  const lastFailure = failing.find((report) => report.lastFailure !== undefined)?.lastFailure
  const hold = name === undefined ? undefined : holds.get(name)
  // The process that counts for the limits also knows of workers that are gone.
  const counted = limitOf(limitKey)
  return {
    key,
    name,
    hold,
    breaker: BREAKERS[Math.max(0, ...reports.map(({ breaker }) => BREAKERS.indexOf(breaker)))] ?? 'closed',
    failingWorkers: failing.length,
    workers: workers.length,
    failures: Math.max(0, ...reports.map(({ failures }) => failures)),
    lastFailure,
    retryAt: retries.length === 0 ? undefined : Math.min(...retries),
    connections: counted?.connections ?? add(({ connections }) => connections),
    waiting: Math.max(
      // A worker reports those of the section that has used the server last: another may have the same host, port and user.
      add(
        ({ waiting }) => waiting,
        uses.filter((report) => report.name === name),
      ),
      // Those that wait for a free connection are in both.
      waitingAt?.(limitKey) ?? 0,
    ),
    sentLastHour: counted?.sentLastHour ?? add(({ sentLastHour }) => sentLastHour),
    maxConnections: undefined,
    maxPerHour: undefined,
  }
}

/** May mail go to the relay now? `limited`: all that a limit allows is in use. */
export type Usability = 'usable' | 'held' | 'left-out' | 'limited'

/** A breaker that is not open in every worker leaves some that still use the relay. */
export function usabilityOf(summary: RelaySummary): Usability {
  const { hold, breaker, failingWorkers, workers } = summary
  if (hold !== undefined) return 'held'
  if (breaker === 'open' && failingWorkers >= workers) return 'left-out'
  return describeLimit(summary) === undefined ? 'usable' : 'limited'
}

/** The limit that is reached, if one is. */
function describeLimit({
  connections,
  maxConnections,
  sentLastHour,
  maxPerHour,
}: RelaySummary): string | undefined {
  if (maxPerHour !== undefined && sentLastHour >= maxPerHour) {
    return `max_per_hour is reached: ${sentLastHour} of ${maxPerHour} messages in the last hour`
  }
  if (maxConnections !== undefined && connections >= maxConnections) {
    return `max_connections is reached: ${connections} of ${maxConnections} in use`
  }
  return undefined
}

/** `held by hand since 2026-05-17 12:00:00 UTC, until 2026-05-17 13:00:00 UTC: maintenance`. */
export function describeHold({ since, until, reason }: Hold): string {
  return [
    `held by hand since ${formatTime(since)}`,
    ...(until === undefined ? [] : [`, until ${formatTime(until)}`]),
    ...(reason === undefined ? [] : [`: ${toPrintable(reason)}`]),
  ].join('')
}

/** What keeps mail from the relay, or may do so; undefined if nothing does. */
export function describeTrouble(summary: RelaySummary): string | undefined {
  const { hold, breaker, failures, lastFailure, failingWorkers, workers, retryAt } = summary
  if (hold !== undefined) return describeHold(hold)
  const because = lastFailure === undefined ? '' : `: ${toPrintable(lastFailure)}`
  const after = `after ${formatCount(failures, 'failure')}${because}`
  const where = failingWorkers >= workers ? '' : ` by ${failingWorkers} of ${formatCount(workers, 'worker')}`
  switch (breaker) {
    case 'open':
      return `left out${where}${retryAt === undefined ? '' : ` until ${formatTime(retryAt)}`}, ${after}`
    case 'half-open':
      return `tried again${where} with the next message, ${after}`
    case 'closed':
      return describeLimit(summary)
    default:
      return breaker satisfies never
  }
}
