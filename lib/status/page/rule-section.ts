import { shortenTo } from '../../model/printable'
import type { CountedLine, CountedLines } from '../line-index'
import type { Overview } from '../overview'
import { formatAge, formatCount, formatTime } from '../wording'
import { formatNumber, formatShare } from './figures'
import { markup, type Html } from './html'
import { linkTo, type LineOrder, type PageQuery } from './query'
import { describePagePart, type PagePart, pageLinks, pagePartOf } from './paging'
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

/** The lines of one page, in the order that was asked for, and where they stand. */
function choose(
  lines: CountedLines,
  order: LineOrder,
  from: number,
): { shown: readonly CountedLine[]; place: PagePart } {
  const pageOf = (of: number, slice: (start: number) => readonly CountedLine[]) => {
    const place = pagePartOf(from, PAGE, of)
    return { shown: slice(place.start), place }
  }
  switch (order) {
    case 'file':
      return pageOf(lines.length, (start) => lines.slice(start, PAGE))
    case 'never':
      return pageOf(lines.neverHit, (start) => lines.sliceOfNeverHit(start, PAGE))
    case 'busiest':
      return pageOf(Math.min(MOST_BUSIEST, lines.length - lines.neverHit), (start) =>
        lines.busiest(start + PAGE).slice(start),
      )
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

/** The override lines, a page of them, with hits and last use. */
export function ruleSection({ lines, now }: Overview, { order, from }: PageQuery): Html {
  const title = markup`<h2 id="rules-title">Rules</h2>`
  if (lines === undefined) {
    return markup`<section id="rules" data-live aria-labelledby="rules-title">${title}<p>There are no rules.</p></section>`
  }
  const { shown, place } = choose(lines, order, from)
  const links = (Object.keys(TITLES) as LineOrder[]).map((each) =>
    each === order
      ? markup`<li aria-current="true">${TITLES[each]}</li>`
      : markup`<li><a href="${linkTo({ lines: each }, 'rules')}">${TITLES[each]}</a></li>`,
  )
  const never =
    lines.neverHit === 0
      ? 'each hit since the server was started'
      : markup`of which ${badge(`${formatNumber(lines.neverHit)} never hit`, 'warn')} since the server was started`
  const rows = shown.map((line) => rowOf(line, lines.total, now))
  return markup`<section id="rules" data-live aria-labelledby="rules-title">${title}
<p>${formatCount(lines.length, 'override line')}, ${never}.</p>
<ul class="links">${links}${pageLinks(place, (start) => linkTo({ lines: order, from: start }, 'rules'))}</ul>
${table(describePagePart(place, 'line'), COLUMNS, rows)}</section>`
}
