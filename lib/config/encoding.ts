import type { LongText } from '../model/long-text'
import type { Steps } from '../model/steps'
import { spanOf, type Report } from '../source/report'

/** A text that began as UTF-16 and was decoded as UTF-8: a byte order mark of two bad bytes, or every other byte a NUL. */
const UTF_16 = /^\ufffd\ufffd|^(?:[^\0]\0){2}|^(?:\0[^\0]){2}/

/** Was this text UTF-16, before it was decoded as UTF-8? */
export const isUtf16 = (text: string) => UTF_16.test(text)

/**
 * Reports a text that cannot be what its author wrote, because its bytes were not UTF-8: decoding puts U+FFFD in place of each
 * bad byte, so a password would not be the operator's any more. One error for the whole file: what else is wrong with it shows
 * when it is saved as UTF-8.
 *
 * @returns whether the text is as written
 */
export function* checkEncoding(text: LongText, report: Report): Steps<boolean> {
  for (const [index, part] of text.entries()) {
    const at = part.search(/[\0\ufffd]/)
    if (at !== -1) {
      reportEncoding(text, index, at, report)
      return false
    }
    yield
  }
  return true
}

/** Reports the character at an offset of a part. */
function reportEncoding(text: LongText, index: number, at: number, report: Report): void {
  const part = text[index]!
  const before = [...text.slice(0, index), part.slice(0, at)].join('').split(/\r\n|\n|\r/)
  const start = before.at(-1)!.length
  const rest = /^[^\r\n]*/.exec(part.slice(at - start))![0]
  // A part has at least one character.
  const wasUtf16 = isUtf16(text.slice(0, 4).join(''))
  const line = { line: before.length, text: rest, kind: 'unknown' } as const
  const span = wasUtf16 ? spanOf(1, 0, 1) : spanOf(line.line, start, start + 1)
  if (wasUtf16) {
    // Read as UTF-8, its lines say nothing.
    report.error({ ...line, text: '' }, span, 'not-utf-8', 'this file is UTF-16', {
      expected: 'UTF-8: save it so, or convert it with iconv -f UTF-16 -t UTF-8',
    })
  } else if (part[at] === '\0') {
    report.error(line, span, 'not-utf-8', 'a NUL character: this is not a text file', {
      expected: 'a text in UTF-8',
    })
  } else {
    report.error(line, span, 'not-utf-8', 'bytes that are not UTF-8', {
      expected: 'UTF-8: save the file so, or convert it, for example with iconv -f ISO-8859-1 -t UTF-8',
    })
  }
}
