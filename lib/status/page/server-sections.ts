import { CONFIGURATION_PATH } from '../../files/configuration-source'
import { type Action, ACTIONS, SOURCES } from '../decision-counts'
import { COUNTS, countKey, countsOf, labelsOf } from '../counts'
import type { Facts } from '../facts'
import { findProblems } from '../health-problems'
import type { Overview } from '../overview'
import { describeScope } from '../sharing'
import { formatAge, formatCount, formatTime } from '../wording'
import { decisionChart, sourceTitle } from './chart'
import { formatNumber, formatShare } from './figures'
import { markup, type Html } from './html'
import { badge, type Column, table } from './table'

/** What is in force, whether the last reading of the file was refused, and what is wrong. */
export function stateSection(overview: Overview): Html {
  const { facts, now, configuration } = overview
  const problems = findProblems(overview)
  const readings =
    facts?.workers.flatMap(({ reading }) => reading ?? []).toSorted((a, b) => b.at - a.at) ?? []
  const refused = readings[0]?.good === false ? readings[0] : undefined
  const inForce = facts?.workers.flatMap((worker) => worker.inForce ?? []) ?? []
  const differs = new Set(inForce.map(({ digest }) => digest)).size > 1
  const since = Math.max(0, ...inForce.map((each) => each.since))
  const isBad = problems.length > 0 || refused !== undefined
  return markup`<section id="state" data-live aria-labelledby="state-title" class="${isBad ? 'bad' : 'plain'}">
<h2 id="state-title">State</h2>
${problems.length === 0 ? markup`<p>${badge('Works', 'good')}: rules are in force, DNS answers, relays can be used where rules name them.</p>` : undefined}
${problems.map((problem) => markup`<p>${badge('Problem', 'bad')}: ${problem}</p>`)}
${refused === undefined ? undefined : markup`<p>${badge('Reload refused', 'bad')} at ${formatTime(refused.at)}: ${CONFIGURATION_PATH} ${refused.reason}. The rules from before stay in force. Run <code>npx dns-overrides check</code>.</p>`}
${differs ? markup`<p>${badge('Workers differ', 'warn')}: some have read the file again and others not yet.</p>` : undefined}
<dl>
<dt>Rules</dt><dd>${formatCount(configuration?.rules.lines.length ?? 0, 'override line')}, ${formatCount(configuration?.settings.relays.length ?? 0, 'relay')}${since === 0 ? '' : `, in force since ${formatTime(since)}`}</dd>
${facts?.redisUp === undefined ? undefined : markup`<dt>Redis</dt><dd>${facts.redisUp ? badge('answers', 'good') : badge('gone: this server goes on by itself', 'warn')}</dd>`}
<dt>Server</dt><dd>${facts === undefined ? 'has not reported yet' : `${formatCount(facts.workers.length, 'worker')}, counting for ${formatAge(now - facts.started)}`}</dd>
</dl></section>`
}

const TITLES: Readonly<Record<Action, string>> = {
  try: 'Tried',
  bounce: 'Bounced',
  defer: 'Deferred',
  hold: 'Held',
  wait: 'Waited',
}

/** Decisions over time, by source and action. */
export function decisionSection({ facts, now }: Overview): Html {
  const count = (source: string, action: string) =>
    facts?.counts.get(countKey(COUNTS.decisions, source, action)) ?? 0
  const columns: readonly Column[] = [
    { title: 'Decided by' },
    ...ACTIONS.map((action) => ({ title: TITLES[action], kind: 'number' as const })),
  ]
  const rows = SOURCES.map((source) => ({
    cells: [sourceTitle(source), ...ACTIONS.map((action) => formatNumber(count(source, action)))],
  }))
  return markup`<section id="decisions" data-live class="half" aria-labelledby="decisions-title"><h2 id="decisions-title">Decisions</h2>
${decisionChart(facts?.minutes ?? [], now)}
${table(`Since the server was started${describeScope(facts)}. What was held or has waited is not counted as an attempt.`, columns, rows)}</section>`
}

const COLUMNS: readonly Column[] = [
  { title: 'Server' },
  { title: 'Latency', kind: 'number' },
  { title: 'Queries', kind: 'number' },
  { title: 'Without answer', kind: 'number' },
  { title: 'State' },
]

/** DNS servers and the cache. */
export function dnsSection({ facts }: Overview): Html {
  const cache = (result: string) => facts?.counts.get(countKey(COUNTS.dnsCache, result)) ?? 0
  const asked = cache('hit') + cache('miss')
  const rows = facts === undefined ? [] : dnsRows(facts)
  return markup`<section id="dns" data-live class="half" aria-labelledby="dns-title"><h2 id="dns-title">DNS</h2>
<p>Cache: ${formatNumber(entriesOf(facts))} answers; ${formatShare(cache('hit'), asked)} of ${formatNumber(asked)} questions answered from it${cache('stale') === 0 ? '' : `, ${formatNumber(cache('stale'))} with expired records`}.</p>
${rows.length === 0 ? markup`<p>No DNS server has been asked yet.</p>` : table('Servers, over all workers', COLUMNS, rows)}</section>`
}

/** @param failures in a row, of the worker that has fewest */
function stateOf(failures: number, { hasAnswered }: { readonly hasAnswered: boolean }): Html {
  if (failures > 0)
    return badge(`${formatCount(failures, 'failure')} in a row`, failures > 1 ? 'bad' : 'warn')
  return hasAnswered ? badge('answers', 'good') : badge('no answer yet', 'warn')
}

const entriesOf = (facts: Facts | undefined) =>
  facts?.workers.reduce((sum, { dns }) => sum + dns.entries, 0) ?? 0

const MOST_SERVERS = 50

function dnsRows({ workers, counts }: Facts) {
  const known = new Map<string, { zone: string; failures: number; rtt: number[]; transport: string }>()
  for (const { server, zone = '', failures, rttMs, transport } of workers.flatMap(({ dns }) => dns.servers)) {
    const entry = known.get(server) ?? { zone, failures, rtt: [], transport }
    known.set(server, entry)
    entry.failures = Math.min(entry.failures, failures)
    if (rttMs !== undefined) entry.rtt.push(rttMs)
  }
  const queries = countsOf(counts, COUNTS.dnsQueries).map(
    ([key, count]) => [labelsOf(key, COUNTS.dnsQueries) ?? [], count] as const,
  )
  return [...known].slice(0, MOST_SERVERS).map(([server, { zone, failures, rtt, transport }]) => {
    const own = queries.filter(([[name]]) => name === server)
    const sum = (some: typeof own) => some.reduce((total, [, count]) => total + count, 0)
    const failed = sum(own.filter(([[, , result = '']]) => result !== 'NOERROR' && result !== 'NXDOMAIN'))
    const title = `${server}${transport === 'tls' ? ' over TLS' : ''}${zone === '' ? '' : ` for ${zone}`}`
    return {
      cells: [
        title,
        rtt.length === 0
          ? '–'
          : `${(rtt.reduce((total, each) => total + each, 0) / rtt.length).toFixed(1)} ms`,
        formatNumber(sum(own)),
        `${formatNumber(failed)} (${formatShare(failed, sum(own))})`,
        stateOf(failures, { hasAnswered: rtt.length > 0 }),
      ],
      ...(failures > 1 ? { tone: 'bad' as const } : {}),
    }
  })
}
