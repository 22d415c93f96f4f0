import { toPrintable } from '../../model/printable'
import { displayWidth } from '../../source/display-width'
import { describeInForce, isUpToDate, type InForceReport } from '../../status/in-force'
import type { Facts } from '../../status/facts'
import type { CountedLine } from '../../status/line-index'
import { describeCounting, describeSharing, sharingJson } from '../../status/sharing'
import { formatIsoTime, formatLines, formatTime } from '../../status/wording'
import type { Paint } from '../../status/paint'

/** What the running server reports. */
export interface Counting extends Pick<Facts, 'started' | 'redisUp' | 'sharing'> {
  readonly inForce: InForceReport
}

export interface RulesView {
  /** The file, as the reader would name it. */
  readonly file: string
  /** Undefined: the file cannot be used. */
  readonly lines: readonly CountedLine[] | undefined
  /** Undefined: no server runs, or it cannot be asked. */
  readonly counting: Counting | undefined
}

/** How a view is printed. */
export interface RulesLayout {
  readonly ink: Paint
  /** Characters of a line; undefined: no limit. */
  readonly width: number | undefined
}

/** Lines that are named one by one, at most. */
const MOST_NAMED = 20
/** Characters of an override line that are shown even on a narrow screen. */
const LEAST_TEXT = 20

/** A file's rules for a reader: what is in force, a table, and the lines that were never hit. */
export function rulesText({ file, lines, counting }: RulesView, { ink, width }: RulesLayout): string {
  const name = toPrintable(file)
  return [
    ...(counting === undefined ? [] : [inForceText(name, counting.inForce, ink), '']),
    ...(lines === undefined ? [] : tableRows(name, lines, { counts: counting !== undefined, ink, width })),
    ...(lines === undefined || counting === undefined ? [] : ['', ...summaryRows(lines, counting, ink)]),
    '',
  ].join('\n')
}

function inForceText(name: string, report: InForceReport, ink: Paint): string {
  const text = `${name} ${describeInForce(report)}`
  return isUpToDate(report) ? ink.good(text) : ink.bad(text)
}

/** One row: numbers, the last use, the line. */
function rowOf({ line, hits }: CountedLine, counts: boolean): readonly string[] {
  const uses = counts ? [String(hits?.count ?? 0), hits === undefined ? 'never' : formatTime(hits.last)] : []
  return [String(line.line), ...uses, toPrintable(line.text.trim().replace(/\s+/g, ' '))]
}

function tableRows(
  name: string,
  lines: readonly CountedLine[],
  { counts, ink, width = Infinity }: RulesLayout & { readonly counts: boolean },
): string[] {
  if (lines.length === 0) return [`${name} has no override lines`]
  const head = ['line', ...(counts ? ['hits', 'last use'] : []), 'override line']
  const rows = lines.map((line) => rowOf(line, counts))
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]!.length), title.length),
  )
  const left = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0)
  const room = Math.max(LEAST_TEXT, width - left)
  const align = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        if (column === row.length - 1) return fitText(cell, room)
        return column < 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
      })
      .join('  ')
  return [
    ink.faint(align(head)),
    ...rows.map((row, index) => {
      const isUnused = counts && lines[index]!.hits === undefined
      return isUnused ? ink.warn(align(row)) : align(row)
    }),
  ]
}

/** The text, cut to the room. */
function fitText(text: string, room: number): string {
  if (displayWidth(text) <= room) return text
  let kept = text.slice(0, room - 3)
  while (displayWidth(kept) > room - 3) kept = kept.slice(0, -1)
  return `${kept}...`
}

function summaryRows(lines: readonly CountedLine[], counting: Counting, ink: Paint): string[] {
  const never = lines.filter(({ hits }) => hits === undefined).map(({ line }) => line.line)
  const { inForce } = counting
  const counted = `Hits ${describeCounting({ ...counting, workers: inForce.workers })}`
  const shared = describeSharing(counting)
  const sharingRow = shared === undefined ? [] : [counting.redisUp === true ? shared : ink.warn(shared)]
  if (never.length === 0)
    return [`${counted}${lines.length === 0 ? '' : '; each line was hit'}`, ...sharingRow]
  const named: (number | string)[] = never.slice(0, MOST_NAMED)
  if (never.length > MOST_NAMED) named.push(`${never.length - MOST_NAMED} more`)
  const neverHit = ink.warn(`Never hit: ${formatLines(named)}`)
  return [counted, neverHit, ...sharingRow]
}

/** The same as `--json` prints it, times as ISO 8601. What is not known is absent. */
export function rulesJson({ lines, counting }: RulesView): Record<string, unknown> {
  return {
    ...(counting === undefined ? {} : { inForce: inForceJson(counting), ...sharingJson(counting) }),
    ...(lines === undefined
      ? {}
      : {
          lines: lines.map(({ line, hits }) => ({
            line: line.line,
            text: line.text.trim(),
            ...(counting === undefined ? {} : { hits: hits?.count ?? 0 }),
            ...(hits === undefined ? {} : { lastUse: formatIsoTime(hits.last) }),
          })),
        }),
  }
}

function inForceJson({ inForce, started, sharing }: Counting): Record<string, unknown> {
  const { since, workers, upToDate, refused } = inForce
  return {
    ...(since === undefined ? {} : { since: formatIsoTime(since) }),
    upToDate: isUpToDate(inForce),
    workers,
    workersUpToDate: upToDate,
    ...(refused === undefined ? {} : { refused: { at: formatIsoTime(refused.at), reason: refused.reason } }),
    countedSince: formatIsoTime(sharing?.since ?? started),
  }
}
