import { packageVersion } from '../files/package-version'
import { eachInSteps, type Steps } from '../model/steps'
import { BOUNDS } from './decision-counts'
import { COUNTS, countKey, countsOf, labelsOf } from './counts'
import { type Facts, WAIT_REASONS } from './facts'
import { pickLargest } from './largest'
import type { CountedLines } from './line-index'
import type { Overview } from './overview'
import type { RelayView } from './relay-views'
import { type RelaySummary, usabilityOf } from './relay-summary'

/** Lines, relays and servers that have values of their own: the busiest. */
const MOST_SERIES = 1_000

/** What metrics are made from. */
export interface MetricSource extends Overview {
  /** As `lines`, with the hits on this server alone. */
  readonly ownLines: CountedLines | undefined
}

type Labels = Readonly<Record<string, string>>

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

/** One value of a metric. `part`: what follows the metric's name, of a histogram or summary. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
  readonly part?: '_bucket' | '_sum' | '_count'
}

/** What the metrics are called, how they are counted and what they say, in the order in which they are printed. */
export const METRICS = {
  build_info: ['gauge', 'The version of the plugin'],
  decisions_total: [
    'counter',
    'Decisions, by what decided and what is done (try, bounce, defer, hold, wait)',
  ],
  decision_seconds: ['histogram', 'Time that a decision took, without other plugins'],
  rules: ['gauge', 'Override lines in force'],
  rules_never_hit: [
    'gauge',
    'Override lines that no message has matched, on any server that shares by Redis',
  ],
  rule_hits_total: [
    'counter',
    'Times that a message matched an override line, on this server; the 1,000 busiest lines',
  ],
  shared_rule_hits_total: [
    'counter',
    'Times that a message matched an override line, on all servers that share by Redis',
  ],
  rescues_total: ['counter', 'Refusals after which a line with $reply has kept the message from bouncing'],
  connections_total: ['counter', 'Connections for messages, by relay or terms and by result'],
  relay_up: ['gauge', '1: mail may go to the relay; 0: it is held or left out'],
  relay_held: ['gauge', '1: the relay is held by hand'],
  relay_connections: ['gauge', 'Messages with a connection to the relay, or on these terms'],
  relay_max_connections: ['gauge', 'The limit max_connections'],
  relay_sent_last_hour: ['gauge', 'Messages sent in the last 60 minutes'],
  relay_max_per_hour: ['gauge', 'The limit max_per_hour'],
  relay_quota_left: ['gauge', 'Messages that max_per_hour still allows now'],
  relay_waiting: ['gauge', 'Messages that wait: for a hold to end, for a limit, for a free connection'],
  messages_waiting: ['gauge', 'Messages that wait without an attempt being counted, by reason'],
  queue_messages: ['gauge', "Messages in Haraka's queue, by state"],
  sending_threads: ['gauge', 'Messages that may be sent at once, over all workers'],
  dns_queries_total: ['counter', 'Queries, by server, type and result (rcode, or code of the failure)'],
  dns_query_seconds: ['summary', 'Time until a server answered'],
  dns_server_failures: ['gauge', 'Failures in a row of a DNS server, as the luckiest worker sees it'],
  dns_lookup_failures_total: ['counter', 'Lookups that failed at all servers, by code'],
  dns_cache_requests_total: ['counter', 'Questions to the cache, by result'],
  dns_cache_entries: ['gauge', 'Answers that are remembered, over all workers'],
  reloads_total: ['counter', 'Readings of the file, by result, over all workers'],
  last_reload_successful: ['gauge', '1: the file was taken into use when it was last read'],
  last_good_reload_timestamp_seconds: ['gauge', 'When the rules in force were read'],
  redis_up: [
    'gauge',
    '1: Redis answers; 0: it is gone, and this server goes on by itself; absent: it is not used',
  ],
  workers: ['gauge', 'Processes that send mail'],
} as const satisfies Readonly<Record<string, readonly [MetricType, string]>>

export type MetricName = keyof typeof METRICS
type Values<N extends MetricName = MetricName> = Readonly<Record<N, readonly Sample[]>>
/** The metrics that a function finds values of. */
type FoundName<F extends (source: MetricSource) => Steps<unknown>> =
  ReturnType<F> extends Steps<infer Found> ? keyof Found : never
/** What is neither of the rules nor of a relay: a metric without values is an error here. */
type CountedName = Exclude<
  MetricName,
  'build_info' | FoundName<typeof ruleValues> | FoundName<typeof relayValues>
>

const one = (value: number): readonly Sample[] => [{ labels: {}, value }]

function* busiest<T>(items: readonly T[], weigh: (item: T) => number): Steps<readonly T[]> {
  yield
  return items.length <= MOST_SERIES ? items : yield* pickLargest(items, MOST_SERIES, weigh)
}

/** The largest counts of one name. @param toLabels of the labels of its key */
function* samplesWith(
  { counts }: Facts,
  name: string,
  toLabels: (labels: readonly string[]) => Labels,
): Steps<readonly Sample[]> {
  const shown = yield* busiest(countsOf(counts, name), ([, value]) => value)
  return shown.map(([key, value]) => ({ labels: toLabels(labelsOf(key, name) ?? []), value }))
}

/** The same. @param names of the labels, in the order of the key */
const samplesOf = (facts: Facts, name: string, ...names: readonly string[]): Steps<readonly Sample[]> =>
  samplesWith(facts, name, (labels) =>
    Object.fromEntries(names.map((label, index) => [label, labels[index] ?? ''])),
  )

function decisionSeconds({ counts }: Facts): readonly Sample[] {
  let total = 0
  const buckets = BOUNDS.map((bound): Sample => {
    total += counts.get(countKey(COUNTS.decisionSeconds, String(bound))) ?? 0
    return { part: '_bucket', labels: { le: bound === Infinity ? '+Inf' : String(bound) }, value: total }
  })
  const seconds = (counts.get(COUNTS.decisionTime) ?? 0) / 1000
  return [
    ...buckets,
    { part: '_sum', labels: {}, value: seconds },
    { part: '_count', labels: {}, value: total },
  ]
}

function* countedValues(facts: Facts, { index }: Overview): Steps<Values<CountedName>> {
  const { workers } = facts
  const sum = (of: (worker: Facts['workers'][number]) => number) =>
    workers.reduce((total, worker) => total + of(worker), 0)
  const readings = workers.flatMap(({ reading }) => reading ?? []).toSorted((a, b) => b.at - a.at)
  const since = Math.max(0, ...workers.flatMap(({ inForce }) => inForce?.since ?? []))
  return {
    decisions_total: yield* samplesOf(facts, COUNTS.decisions, 'source', 'action'),
    decision_seconds: decisionSeconds(facts),
    rescues_total: yield* samplesWith(facts, COUNTS.rescues, ([key = '']) => ({
      line: String(index?.find(key)?.line ?? 'gone'),
    })),
    connections_total: yield* samplesOf(facts, COUNTS.connections, 'relay', 'result'),
    messages_waiting: WAIT_REASONS.map((reason) => ({
      labels: { reason },
      value: sum(({ waiting }) => waiting[reason] ?? 0),
    })),
    queue_messages: (['running', 'ready', 'deferred'] as const).map((state) => ({
      labels: { state },
      value: sum(({ queue }) => queue[state]),
    })),
    sending_threads: one(sum(({ queue }) => queue.threads)),
    dns_queries_total: yield* samplesOf(facts, COUNTS.dnsQueries, 'server', 'type', 'rcode'),
    dns_query_seconds: [
      ...(yield* samplesOf(facts, COUNTS.dnsAnswerTime, 'server')).map((sample) => ({
        ...sample,
        value: sample.value / 1000,
        part: '_sum' as const,
      })),
      ...(yield* samplesOf(facts, COUNTS.dnsAnswers, 'server')).map((sample) => ({
        ...sample,
        part: '_count' as const,
      })),
    ],
    dns_server_failures: yield* dnsServerFailures(facts),
    dns_lookup_failures_total: yield* samplesOf(facts, COUNTS.dnsFailures, 'code'),
    dns_cache_requests_total: yield* samplesOf(facts, COUNTS.dnsCache, 'result'),
    dns_cache_entries: one(sum(({ dns }) => dns.entries)),
    reloads_total: yield* samplesOf(facts, COUNTS.reloads, 'result'),
    last_reload_successful: readings[0] === undefined ? [] : one(readings[0].good ? 1 : 0),
    last_good_reload_timestamp_seconds: since === 0 ? [] : one(since / 1000),
    redis_up: facts.redisUp === undefined ? [] : one(facts.redisUp ? 1 : 0),
    workers: one(workers.length),
  }
}

function* dnsServerFailures({ workers }: Facts): Steps<readonly Sample[]> {
  const least = new Map<string, number>()
  for (const { server, failures } of workers.flatMap(({ dns }) => dns.servers)) {
    least.set(server, Math.min(least.get(server) ?? Infinity, failures))
  }
  const shown = yield* busiest([...least], ([, value]) => value)
  return shown.map(([server, value]) => ({ labels: { server }, value }))
}

/** What is reported of each relay and of terms, under the name of the section, or the server without its user. */
function* relayValues({ relays, terms }: Overview) {
  const summaries = new Map<string, RelaySummary>()
  yield* eachInSteps<RelayView>([...relays, ...terms], ({ name, key, summary }) => {
    const label = name ?? key?.replace(/^.*@/, '')
    if (label !== undefined && summary !== undefined && !summaries.has(label)) summaries.set(label, summary)
  })
  const weight = (summary: RelaySummary) =>
    (usabilityOf(summary) === 'usable' ? 0 : 1e9) + summary.sentLastHour + summary.connections
  const shown = yield* busiest([...summaries], ([, summary]) => weight(summary))
  const each = (of: (summary: RelaySummary) => number | undefined) =>
    shown.flatMap(([relay, summary]) => {
      const value = of(summary)
      return value === undefined ? [] : [{ labels: { relay }, value }]
    })
  return {
    relay_up: each((summary) => (['held', 'left-out'].includes(usabilityOf(summary)) ? 0 : 1)),
    relay_held: each(({ hold }) => (hold === undefined ? 0 : 1)),
    relay_connections: each(({ connections }) => connections),
    relay_max_connections: each(({ maxConnections }) => maxConnections),
    relay_sent_last_hour: each(({ sentLastHour }) => sentLastHour),
    relay_max_per_hour: each(({ maxPerHour }) => maxPerHour),
    relay_quota_left: each(({ maxPerHour, sentLastHour }) =>
      maxPerHour === undefined ? undefined : Math.max(0, maxPerHour - sentLastHour),
    ),
    relay_waiting: each(({ waiting }) => waiting),
  } satisfies Partial<Values>
}

function* lineHits(lines: CountedLines | undefined): Steps<readonly Sample[]> {
  const shown = lines === undefined ? [] : yield* lines.busiest(MOST_SERIES)
  return shown.map(({ line, hits }) => ({
    labels: { line: String(line.line) },
    value: hits?.count ?? 0,
  }))
}

function* ruleValues({ facts, lines, ownLines }: MetricSource) {
  return {
    rules: one(lines?.length ?? 0),
    rules_never_hit: one(lines?.neverHit ?? 0),
    rule_hits_total: yield* lineHits(ownLines),
    shared_rule_hits_total: facts?.sharing === undefined ? [] : yield* lineHits(lines),
  } satisfies Partial<Values>
}

/** The values of the metrics, in steps. */
export function* findMetricValues(source: MetricSource): Steps<Partial<Values>> {
  const { facts } = source
  return {
    build_info: [{ labels: { version: packageVersion() }, value: 1 }],
    ...(yield* ruleValues(source)),
    ...(yield* relayValues(source)),
    ...(facts === undefined ? {} : yield* countedValues(facts, source)),
  }
}
