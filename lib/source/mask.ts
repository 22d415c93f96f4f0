import { toPrintable } from '../model/printable'

/*
 * The text of a line that may be displayed. A diagnostic is printed and logged, so it must not show a password, least of all on a line
 * that is malformed around its password. When in doubt, text is masked.
 *
 * Masked characters become `*` one by one: so the columns of a diagnostic are those of the file. A shorter mask would
 * give the length away too, as the difference between the two.
 */

/** A part of a line, offsets in UTF-16 code units. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A word of a line, and its place. */
export interface PlacedWord extends Range {
  readonly text: string
}

/**
 * The words of a line, between white space of any kind.
 *
 * @param from offset at which the first may begin
 */
export function placeWords(line: string, from = 0): PlacedWord[] {
  return [...line.slice(from).matchAll(/\S+/g)].map(({ 0: text, index }) => {
    const start = from + index
    return { text, start, end: start + text.length }
  })
}

/** The line with these parts masked, printable and of the same length. */
export function maskRanges(line: string, ranges: readonly Range[]): string {
  const parts: string[] = []
  let done = 0
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const begin = Math.max(done, start)
    const stop = Math.min(end, line.length)
    if (stop <= begin) continue
    parts.push(line.slice(done, begin), '*'.repeat(stop - begin))
    done = stop
  }
  return toPrintable([...parts, line.slice(done)].join(''), { line: true })
}
