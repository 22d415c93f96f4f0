import type { Steps } from '../../model/steps'
import type { Overview } from '../overview'
import { describeHold, describeTrouble, type RelaySummary, usabilityOf } from '../relay-summary'
import type { RelayView, TermsView } from '../relay-views'
import { pickLargest } from '../largest'
import { describeScope } from '../sharing'
import { formatNumber, formatOf } from './figures'
import { markup, type Html, type HtmlValue } from './html'
import { describePagePart, pageLinks, pagePartOf } from './paging'
import { linkTo, type PageQuery } from './query'
import { badge, type Column, type Row, table, type Tone } from './table'

/** Relays of one page. */
const PAGE = 100

const COLUMNS: readonly Column[] = [
  { title: 'Name', kind: 'name' },
  { title: 'Server', kind: 'name' },
  { title: 'State' },
  { title: 'Connections', kind: 'number' },
  { title: 'Last hour', kind: 'number' },
  { title: 'Waiting', kind: 'number' },
]

function toneOf({ hold, summary }: RelayView | TermsView): Tone {
  if (hold !== undefined) return 'held'
  if (summary === undefined) return 'good'
  if (summary.breaker === 'open') return 'bad'
  if (summary.breaker === 'half-open') return 'warn'
  return usabilityOf(summary) === 'usable' ? 'good' : 'wait'
}

/** How a relay or terms stand, in words. */
function stateOf(view: RelayView | TermsView): HtmlValue {
  const { hold, summary } = view
  if (hold !== undefined) return badge(describeHold(hold), 'held')
  if (summary === undefined) return 'not known'
  return badge(describeTrouble(summary) ?? 'usable', toneOf(view))
}

const TROUBLE: Readonly<Record<Tone, number>> = { bad: 4, warn: 3, held: 2, wait: 1, good: 0 }

/** The further a relay is from working as it should, and the more it does, the earlier it stands. */
function weightOf(view: RelayView | TermsView): number {
  const { summary } = view
  const trouble = TROUBLE[toneOf(view)] * 1e9
  return trouble + (summary === undefined ? 0 : summary.sentLastHour + summary.connections + summary.waiting)
}

function rowOf(view: RelayView | TermsView): Row {
  const { name, key, summary } = view
  const tone = toneOf(view)
  const leftOut = 'leftOut' in view ? view.leftOut.filter((server) => usabilityOf(server) !== 'usable') : []
  const number = (of: (counts: RelaySummary) => string) => (summary === undefined ? '–' : of(summary))
  return {
    ...(tone === 'good' ? {} : { tone }),
    cells: [
      name === undefined ? '–' : markup`<code>@${name}</code>`,
      markup`<code>${key ?? 'not in the file'}</code>`,
      markup`${stateOf(view)}${leftOut.slice(0, 5).map((server) => markup`<br>${server.key}: ${badge(describeTrouble(server) ?? '', 'bad')}`)}`,
      number(({ connections, maxConnections }) => formatOf(connections, maxConnections)),
      number(({ sentLastHour, maxPerHour }) => formatOf(sentLastHour, maxPerHour)),
      number(({ waiting }) => formatNumber(waiting)),
    ],
  }
}

/** Relays and terms with their breakers, holds, limits, and what waits. Of very many a page: first those in trouble, then the busiest. In steps. */
export function* relaySection(
  { relays, terms, server, facts }: Overview,
  { fromRelay }: PageQuery,
): Steps<Html> {
  const all = [...relays, ...terms]
  const place = pagePartOf(fromRelay, PAGE, all.length)
  const isPaged = all.length > PAGE
  const shown = isPaged ? (yield* pickLargest(all, place.start + PAGE, weightOf)).slice(place.start) : all
  const caption = isPaged
    ? `${describePagePart(place, 'relay')}: first those in trouble, then the busiest`
    : `Over all workers${describeScope(facts)}. Limits are shown where there are any.`
  const links = isPaged
    ? markup`<ul class="links">${pageLinks(place, (start) => linkTo({ relay: start }, 'relays'))}</ul>`
    : undefined
  return markup`<section id="relays" data-live aria-labelledby="relays-title"><h2 id="relays-title">Relays and terms</h2>
${server.kind === 'unknown' ? markup`<p>${badge('Not known', 'bad')}: ${server.reason}</p>` : undefined}
${links}
${all.length === 0 ? markup`<p>The file has no relays.</p>` : table(caption, COLUMNS, shown.map(rowOf))}</section>`
}
