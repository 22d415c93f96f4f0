import type { CountedLine } from '../line-index'
import type { Overview } from '../overview'
import { formatAge, formatCount, formatTime } from '../wording'
import { formatNumber, formatShare } from './figures'
import { markup, type Html } from './html'
import { linkTo, type LineOrder, type PageQuery } from './query'
import { badge, table } from './table'

/** Lines of one page. */
const PAGE = 100

const TITLES: Readonly<Record<LineOrder, string>> = {
  file: 'In file order',
  busiest: 'Busiest first',
  never: 'Never hit',
}

const COLUMNS = ['Line', 'Rule', 'Hits', 'Share', 'Last use'].map((title, index) => ({
  title,
  isNumber: index === 0 || index === 2 || index === 3,
}))

function arrange(lines: readonly CountedLine[], order: LineOrder): readonly CountedLine[] {
  switch (order) {
    case 'file':
      return lines
    case 'never':
      return lines.filter(({ hits }) => hits === undefined)
    case 'busiest':
      return lines.filter(({ hits }) => hits !== undefined).toSorted((a, b) => b.hits!.count - a.hits!.count)
    default:
      return order satisfies never
  }
}

/** The override lines, a page of them, with hits and last use. */
export function ruleSection({ lines, now }: Overview, { order, from }: PageQuery): Html {
  const total = lines.reduce((sum, { hits }) => sum + (hits?.count ?? 0), 0)
  const never = lines.reduce((sum, { hits }) => sum + (hits === undefined ? 1 : 0), 0)
  const arranged = arrange(lines, order)
  const start = Math.min(from, Math.max(0, arranged.length - 1))
  const shown = arranged.slice(start, start + PAGE)
  const rows = shown.map(({ line, hits }) => ({
    ...(hits === undefined ? { tone: 'warn' as const } : {}),
    cells: [
      line.line,
      markup`<code>${line.text.trim()}</code>`,
      hits === undefined ? badge('never', 'warn') : formatNumber(hits.count),
      hits === undefined ? '–' : formatShare(hits.count, total),
      hits === undefined
        ? '–'
        : markup`<span title="${formatTime(hits.last)}">${formatAge(Math.max(0, now - hits.last))} ago</span>`,
    ],
  }))
  const links = (Object.keys(TITLES) as LineOrder[]).map((each) =>
    each === order
      ? markup`<li aria-current="true">${TITLES[each]}</li>`
      : markup`<li><a href="${linkTo({ lines: each }, 'rules')}">${TITLES[each]}</a></li>`,
  )
  const more = [
    ...(start > 0
      ? [
          markup`<li><a href="${linkTo({ lines: order, from: Math.max(0, start - PAGE) }, 'rules')}">Before</a></li>`,
        ]
      : []),
    ...(start + PAGE < arranged.length
      ? [markup`<li><a href="${linkTo({ lines: order, from: start + PAGE }, 'rules')}">After</a></li>`]
      : []),
  ]
  const caption =
    shown.length === 0
      ? 'No line'
      : `${start + 1} to ${start + shown.length} of ${formatCount(arranged.length, 'line')}`
  return markup`<section id="rules" data-live aria-labelledby="rules-title"><h2 id="rules-title">Rules</h2>
<p>${formatCount(lines.length, 'override line')}, ${never === 0 ? 'each hit since the server was started' : markup`of which ${badge(`${formatNumber(never)} never hit`, 'warn')} since the server was started`}.</p>
<ul class="links">${links}${more}</ul>
${table(caption, COLUMNS, rows)}</section>`
}
