import { SOURCES } from '../decision-counts'
import { type DecisionResult, type Result, RESULTS } from '../decision-result'
import type { DecisionEntry } from '../facts'
import type { Overview } from '../overview'
import { describeScope } from '../sharing'
import { describeSource, formatTime } from '../wording'
import { sourceTitle } from './chart'
import { choice } from './choice'
import { markup, type Html } from './html'
import { describePagePart, pageLinks, pagePartOf } from './paging'
import { linkTo, LONGEST_DOMAIN, type PageQuery } from './query'
import { filterDecisions, type RecentFilter, recentParameters } from './recent-filter'
import { badge, type Column, type Row, table, type Tone } from './table'

/** Decisions of one page. */
const PAGE = 50

const TONES: Readonly<Record<Result, Tone>> = {
  'under way': 'good',
  delivered: 'good',
  'not delivered': 'warn',
  held: 'held',
  waiting: 'wait',
  waited: 'wait',
  deferred: 'warn',
  bounced: 'bad',
}

const shortTime = (at: number) =>
  markup`<span title="${formatTime(at)}">${formatTime(at).slice(11, 19)}</span>`

/** What is said beside the result: why it is not tried or waits, else what the last server said. */
function detailOf({ reason, end }: DecisionEntry): string {
  const last = end?.connections.at(-1)
  return reason === '' && last !== undefined ? `${last.server}: ${last.text}` : reason
}

const sender = (entry: DecisionEntry) => (entry.sender === '' ? '<>' : entry.sender)

function rowOf({ entry, result }: DecisionResult): Row {
  const tone = TONES[result]
  const detail = detailOf(entry)
  const [recipient = ''] = entry.recipients
  const more = entry.recipients.length - 1 + entry.otherRecipients
  const others = more > 0 ? ` and ${more} more` : ''
  return {
    // What is over stands back.
    ...(tone === 'good' || result === 'waited' ? {} : { tone }),
    cells: [
      shortTime(entry.at),
      markup`<a href="${linkTo({ id: entry.id }, 'story')}">${recipient || entry.domain}</a>${others}`,
      sender(entry),
      describeSource({ source: entry.source, matched: entry.lines }),
      markup`${badge(result, tone)}${detail === '' ? '' : `: ${detail}`}`,
    ],
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'Time, UTC', kind: 'brief' },
  { title: 'Recipient', kind: 'address' },
  { title: 'Sender', kind: 'address' },
  { title: 'By', kind: 'brief' },
  { title: 'Result' },
]

/** The form that says which decisions are shown. */
const filterForm = ({ domain, source, result }: RecentFilter): Html =>
  markup`<form method="get" action="#recent"><label>Recipient domain contains<input name="domain" value="${domain}" maxlength="${LONGEST_DOMAIN}" autocomplete="off" spellcheck="false"></label>
${choice('Decided by', 'by', [['', 'anything'], ...SOURCES.map((each) => [each, sourceTitle(each)] as const)], source)}
${choice('Result', 'result', [['', 'any'], ...RESULTS.map((each) => [each, each] as const)], result)}
<button type="submit">Show</button></form>`

/** The last decisions, all or those that are asked for, each with a link to the story of its message. */
export function recentSection({ facts }: Overview, { recent, fromRecent }: PageQuery): Html {
  const known = facts?.decisions ?? []
  const found = filterDecisions(known, recent)
  const part = pagePartOf(fromRecent, PAGE, found.length)
  const rows = found.slice(part.start, part.start + PAGE).map(rowOf)
  const parameters = recentParameters(recent)
  const isFiltered = Object.keys(parameters).length > 0
  const links = [
    ...(isFiltered ? [markup`<li><a href="${linkTo({}, 'recent')}">All decisions</a></li>`] : []),
    ...pageLinks(part, (start) => linkTo({ ...parameters, decision: start }, 'recent')),
  ]
  const among = isFiltered ? `, among the last ${known.length}` : ''
  const order =
    found.length === 0
      ? ''
      : `${describeScope(facts)}, newest first. The recipient leads to the story of the message`
  const caption = `${describePagePart(part, 'decision')}${among}${order}.`
  return markup`<section id="recent" aria-labelledby="recent-title"><h2 id="recent-title">Recent decisions</h2>
${filterForm(recent)}
<div id="recent-list" data-live>${links.length === 0 ? undefined : markup`<ul class="links">${links}</ul>`}
${table(caption, COLUMNS, rows)}</div></section>`
}
