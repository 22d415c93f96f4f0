import type { Diagnostic, Related, Span } from './diagnostic'
import type { Line, LineKind, Mask } from './line'

/** What helps to mend a mistake. */
export interface Help {
  readonly expected?: string | undefined
  readonly suggestion?: string | undefined
  readonly related?: Related | undefined
}

/** The part of a line from one offset to another (UTF-16 code units, from 0). */
export function spanOf(line: number, start: number, end: number): Span {
  return { line, column: start + 1, length: Math.max(1, end - start) }
}

/** Collects the diagnostics of one file. */
export class Report {
  readonly #diagnostics: Diagnostic[] = []
  #errors = 0
  #masked: { readonly text: string; readonly kind: LineKind; readonly shown: string } | undefined

  readonly #mask: Mask

  constructor(
    readonly file: string,
    mask: Mask,
  ) {
    this.#mask = mask
  }

  error(line: Line, span: Span, code: string, message: string, help: Help = {}): void {
    this.#errors++
    this.#add('error', line, span, code, message, help)
  }

  warning(line: Line, span: Span, code: string, message: string, help: Help = {}): void {
    this.#add('warning', line, span, code, message, help)
  }

  /** How a part of a line may be quoted in a message. */
  quote(line: Line, span: Span): string {
    const start = span.column - 1
    return this.#shown(line).slice(start, start + span.length)
  }

  get hasErrors(): boolean {
    return this.#errors > 0
  }

  /** In order of line and column. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics.toSorted((a, b) => a.span.line - b.span.line || a.span.column - b.span.column)
  }

  /** The line as it may be shown; kept, because a line with very many mistakes is shown as often. */
  #shown({ text, kind }: Line): string {
    if (this.#masked?.text !== text || this.#masked.kind !== kind) {
      this.#masked = { text, kind, shown: this.#mask(text, kind) }
    }
    return this.#masked.shown
  }

  #add(
    severity: Diagnostic['severity'],
    line: Line,
    span: Span,
    code: string,
    message: string,
    help: Help,
  ): void {
    this.#diagnostics.push({
      severity,
      code,
      message,
      file: this.file,
      span,
      source: this.#shown(line),
      ...(help.expected === undefined ? {} : { expected: help.expected }),
      ...(help.suggestion === undefined ? {} : { suggestion: help.suggestion }),
      ...(help.related === undefined ? {} : { related: help.related }),
    })
  }
}
