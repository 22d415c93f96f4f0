import type { LongText } from '../model/long-text'
import type { SourceLine } from './line'

/** The lines of a text: LF, CRLF and a lone CR end one; a byte order mark before the first is dropped. */
export function* linesOf(text: LongText): Generator<SourceLine, void> {
  const ends = /\r\n|\n|\r/g
  let line = 1
  for (const part of text) {
    let start = line === 1 && part.startsWith('\ufeff') ? 1 : 0
    ends.lastIndex = start
    while (ends.test(part)) {
      const next = ends.lastIndex
      const end = next - (part.startsWith('\r\n', next - 2) ? 2 : 1)
      yield { line: line++, text: part.slice(start, end) }
      start = next
      ends.lastIndex = next
    }
    if (start < part.length) yield { line: line++, text: part.slice(start) }
  }
}
