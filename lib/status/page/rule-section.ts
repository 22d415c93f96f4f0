import { shortenTo } from '../../model/printable'
import type { Steps } from '../../model/steps'
import type { Facts } from '../facts'
import type { CountedLine, CountedLines } from '../line-index'
import type { Overview } from '../overview'
import { describeCounting, describeSharing } from '../sharing'
import { formatAge, formatCount, formatTime } from '../wording'
import { formatNumber, formatShare } from './figures'
import { markup, type Html } from './html'
import { linkTo, type LineOrder, type PageQuery } from './query'
import { describePagePart, pageLinks, pagePartOf } from './paging'
import { badge, type Column, type Row, table } from './table'

/** Lines of one page. */
const PAGE = 100
/** Lines that can be paged through, busiest first. */
const MOST_BUSIEST = 1_000
/** Characters of a line that are shown. */
const LONGEST_LINE = 500

const TITLES: Readonly<Record<LineOrder, string>> = {
  file: 'In file order',
  busiest: 'Busiest first',
  never: 'Never hit',
}

const COLUMNS: readonly Column[] = [
  { title: 'Line', kind: 'number' },
  { title: 'Rule' },
  { title: 'Hits', kind: 'number' },
  { title: 'Share', kind: 'number' },
  { title: 'Last use', kind: 'brief' },
]

/** How many lines can be paged through. */
function countLines(lines: CountedLines, order: LineOrder): number {
  switch (order) {
    case 'file':
      return lines.length
    case 'never':
      return lines.neverHit
    case 'busiest':
      return Math.min(MOST_BUSIEST, lines.length - lines.neverHit)
    default:
      return order satisfies never
  }
}

/** The lines of one page, in the order that was asked for. */
function* choose(lines: CountedLines, order: LineOrder, start: number): Steps<readonly CountedLine[]> {
  switch (order) {
    case 'file':
      return lines.slice(start, PAGE)
    case 'never':
      return yield* lines.sliceOfNeverHit(start, PAGE)
    case 'busiest':
      return (yield* lines.busiest(start + PAGE)).slice(start)
    default:
      return order satisfies never
  }
}

function rowOf({ line, hits }: CountedLine, total: number, now: number): Row {
  const text = markup`<code>${shortenTo(line.text.trim(), LONGEST_LINE)}</code>`
  if (hits === undefined) {
    return { tone: 'warn', cells: [line.line, text, badge('never', 'warn'), '–', '–'] }
  }
  const age = markup`<span title="${formatTime(hits.last)}">${formatAge(Math.max(0, now - hits.last))} ago</span>`
  return { cells: [line.line, text, formatNumber(hits.count), formatShare(hits.count, total), age] }
}

/** Where hits are counted, and since when. */
function countingText(facts: Facts): string {
  const shared = describeSharing(facts)
  const counted = ` Hits ${describeCounting({ ...facts, workers: facts.workers.length })}.`
  return shared === undefined ? counted : `${counted} ${shared}.`
}

/** The override lines, a page of them, with hits and last use. In steps. */
export function* ruleSection({ lines, now, facts }: Overview, { order, from }: PageQuery): Steps<Html> {
  const title = markup`<h2 id="rules-title">Rules</h2>`
  if (lines === undefined) {
    return markup`<section id="rules" data-live aria-labelledby="rules-title">${title}<p>There are no rules.</p></section>`
  }
  const place = pagePartOf(from, PAGE, countLines(lines, order))
  const shown = yield* choose(lines, order, place.start)
  const links = (Object.keys(TITLES) as LineOrder[]).map((each) =>
    each === order
      ? markup`<li aria-current="true">${TITLES[each]}</li>`
      : markup`<li><a href="${linkTo({ lines: each }, 'rules')}">${TITLES[each]}</a></li>`,
  )
  const never =
    lines.neverHit === 0
      ? 'each hit'
      : markup`of which ${badge(`${formatNumber(lines.neverHit)} never hit`, 'warn')}`
  const rows = shown.map((line) => rowOf(line, lines.total, now))
  return markup`<section id="rules" data-live aria-labelledby="rules-title">${title}
<p>${formatCount(lines.length, 'override line')}, ${never}.${facts && countingText(facts)}</p>
<ul class="links">${links}${pageLinks(place, (start) => linkTo({ lines: order, from: start }, 'rules'))}</ul>
${table(describePagePart(place, 'line'), COLUMNS, rows)}</section>`
}
