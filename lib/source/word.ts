import { toPrintable } from '../model/printable'
import type { DiagnosticCode, Span } from './diagnostic'
import { spanOf, type Help, type Report } from './report'
import { type Line } from './line'

/** One word of a line, and its place. */
export interface Word {
  readonly text: string
  /** Offset in the line, UTF-16 code units. */
  readonly start: number
}

/** The words of a line: separated by spaces and tabs. */
export function tokenise(text: string): Word[] {
  const words: Word[] = []
  const isBlank = (index: number) => text.charCodeAt(index) === 0x20 || text.charCodeAt(index) === 0x09
  for (let index = 0; index < text.length;) {
    if (isBlank(index)) {
      index++
      continue
    }
    const start = index
    while (index < text.length && !isBlank(index)) index++
    words.push({ text: text.slice(start, index), start })
  }
  return words
}

/** A word being parsed, and the way to report what is wrong with it or with a part of it. */
export class WordReader {
  constructor(
    readonly line: Line,
    readonly word: Word,
    readonly report: Report,
  ) {}

  get text(): string {
    return this.word.text
  }

  /** The place of a part of the word, by offsets in the word. */
  span(start = 0, end = this.word.text.length): Span {
    return spanOf(this.line.line, this.word.start + start, this.word.start + end)
  }

  /** A part of the word as a message may show it. */
  quote(start = 0, end = this.word.text.length): string {
    return this.report.quote(this.line, this.span(start, end))
  }

  /** Does the mask leave a part of the word as it is? */
  isShown(start = 0, end = this.word.text.length): boolean {
    return this.quote(start, end) === toPrintable(this.word.text.slice(start, end), { line: true })
  }

  warning(code: DiagnosticCode, message: string, help: Help): void {
    this.report.warning(this.line, this.span(), code, message, help)
  }

  error(code: DiagnosticCode, message: string, help: Help, start?: number, end?: number): undefined {
    this.report.error(this.line, this.span(start, end), code, message, help)
    return undefined
  }
}
