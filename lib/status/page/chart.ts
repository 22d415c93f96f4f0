import { MINUTE_MS } from '../../model/duration'
import { SOURCES } from '../decision-counts'
import { type MinuteCounts, MOST_MINUTES } from '../facts'
import { markup, type Html } from './html'

const HEIGHT = 120
const WIDTH = 12

/** Decisions of one minute by their source. */
const bySource = ({ decisions }: MinuteCounts): readonly number[] =>
  SOURCES.map((source) =>
    Object.entries(decisions).reduce(
      (sum, [key, count]) => (key.startsWith(`${source} `) ? sum + count : sum),
      0,
    ),
  )

/** Decisions of the last hour, a bar a minute, by source. What it shows stands in a table beside it. */
export function decisionChart(minutes: readonly MinuteCounts[], now: number): Html {
  const last = Math.floor(now / MINUTE_MS)
  const bars = minutes.map((minute) => ({
    place: MOST_MINUTES - 1 - (last - minute.at / MINUTE_MS),
    counts: bySource(minute),
  }))
  const most = Math.max(1, ...bars.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0)))
  const columns = bars.map(({ place, counts }) => {
    let top = HEIGHT
    return markup`${counts.map((count, index) => {
      const height = (count / most) * (HEIGHT - 14)
      top -= height
      return markup`<rect class="${SOURCES[index]!}" x="${place * WIDTH + 1}" y="${top.toFixed(2)}" width="${WIDTH - 2}" height="${height.toFixed(2)}"/>`
    })}`
  })
  const width = MOST_MINUTES * WIDTH
  return markup`<svg viewBox="0 0 ${width} ${HEIGHT + 16}" preserveAspectRatio="none" role="img" aria-label="Decisions of the last hour, at most ${most} in a minute">
<line class="axis" x1="0" y1="${HEIGHT}" x2="${width}" y2="${HEIGHT}"/>${columns}</svg>
<p class="faint">One bar a minute, from an hour ago to now; the highest is ${most}.</p>
<div class="legend">${SOURCES.map((source) => markup`<span><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="${source}" width="12" height="12"/></svg> ${sourceTitle(source)}</span>`)}</div>`
}

/** What a source is called. */
export const sourceTitle = (source: (typeof SOURCES)[number]): string =>
  ({ overrides: 'override lines', attempts: '[attempts]', dns: 'DNS' })[source]
