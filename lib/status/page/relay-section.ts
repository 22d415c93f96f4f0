import type { Overview } from '../overview'
import { describeHold, describeTrouble, type RelaySummary, usabilityOf } from '../relay-summary'
import type { RelayView, TermsView } from '../relay-views'
import { formatNumber, formatOf } from './figures'
import { markup, type Html, type HtmlValue } from './html'
import { badge, type Row, table, type Tone } from './table'

/** Relays that are shown: those in trouble, and the busiest. */
const MOST = 100

const COLUMNS = ['Name', 'Server', 'State', 'Connections', 'Last hour', 'Waiting'].map((title, index) => ({
  title,
  isNumber: index > 2,
}))

/** How a relay or terms stand. */
function stateOf({ hold, summary }: RelayView | TermsView): {
  readonly tone: Tone
  readonly cell: HtmlValue
} {
  if (hold !== undefined) return { tone: 'warn', cell: markup`${badge(describeHold(hold), 'warn')}` }
  if (summary === undefined) return { tone: 'good', cell: 'not used yet' }
  const trouble = describeTrouble(summary)
  if (trouble === undefined) return { tone: 'good', cell: badge('in use', 'good') }
  const isLeftOut = summary.breaker === 'open'
  const tone = isLeftOut ? 'bad' : 'warn'
  return { tone, cell: markup`${badge(trouble, tone)}` }
}

/** The further a relay is from working as it should, and the more it does, the earlier it stands. */
function weightOf(view: RelayView | TermsView): number {
  const { summary } = view
  const trouble = { bad: 2, warn: 1, good: 0 }[stateOf(view).tone] * 1e9
  return trouble + (summary === undefined ? 0 : summary.sentLastHour + summary.connections + summary.waiting)
}

function rowOf(view: RelayView | TermsView): Row {
  const { name, key, summary } = view
  const { tone, cell } = stateOf(view)
  const leftOut = 'leftOut' in view ? view.leftOut.filter((server) => usabilityOf(server) !== 'usable') : []
  const number = (of: (counts: RelaySummary) => string) => (summary === undefined ? '–' : of(summary))
  return {
    ...(tone === 'good' ? {} : { tone }),
    cells: [
      name === undefined ? '–' : markup`<code>@${name}</code>`,
      markup`<code>${key ?? 'not in the file'}</code>`,
      markup`${cell}${leftOut.slice(0, 5).map((server) => markup`<br>${server.key}: ${badge(describeTrouble(server) ?? '', 'bad')}`)}`,
      number(({ connections, maxConnections }) => formatOf(connections, maxConnections)),
      number(({ sentLastHour, maxPerHour }) => formatOf(sentLastHour, maxPerHour)),
      number(({ waiting }) => formatNumber(waiting)),
    ],
  }
}

/** Relays and terms with their breakers, holds, limits, and what waits. */
export function relaySection({ relays, terms, server }: Overview): Html {
  const all = [...relays, ...terms]
  const shown =
    all.length <= MOST
      ? all
      : all
          .map((view) => ({ view, weight: weightOf(view) }))
          .toSorted((a, b) => b.weight - a.weight)
          .slice(0, MOST)
          .map(({ view }) => view)
  const caption =
    all.length > shown.length
      ? `${shown.length} of ${formatNumber(all.length)}: those in trouble and the busiest. dns-overrides relays lists all.`
      : 'Over all workers. Limits are shown where there are any.'
  return markup`<section id="relays" data-live aria-labelledby="relays-title"><h2 id="relays-title">Relays and terms</h2>
${server.kind === 'unknown' ? markup`<p>${badge('Not known', 'bad')}: ${server.reason}</p>` : undefined}
${all.length === 0 ? markup`<p>The file has no relays.</p>` : table(caption, COLUMNS, shown.map(rowOf))}</section>`
}
