import type { Diagnostic, DiagnosticCode, Related, Span } from './diagnostic'
import type { Line, LineKind, Mask } from './line'

/** Hints that help to correct a mistake. */
export interface Help {
  readonly expected?: string | undefined
  readonly suggestion?: string | undefined
  readonly related?: Related | undefined
}

/** The part of a line from one offset to another (UTF-16 code units, from 0). */
export function spanOf(line: number, start: number, end: number): Span {
  return { line, column: start + 1, length: Math.max(1, end - start) }
}

/**
 * The most errors that are kept of one file, and the most warnings. The rest are only counted: a file with a million mistakes must
 * not fill the memory of the server.
 */
export const MOST_DIAGNOSTICS = 1000

/** How many errors and warnings a file has beyond those that are kept. */
export interface Omitted {
  readonly errors: number
  readonly warnings: number
}

/** Collects the diagnostics of one file: up to {@link MOST_DIAGNOSTICS} errors and warnings each, and the number of the rest. */
export class Report {
  readonly #diagnostics: Diagnostic[] = []
  readonly #mask: Mask
  #errors = 0
  #warnings = 0
  #kept = { error: 0, warning: 0 }
  #masked: { readonly text: string; readonly kind: LineKind; readonly shown: string } | undefined

  constructor(
    readonly file: string,
    mask: Mask,
  ) {
    this.#mask = mask
  }

  error(line: Line, span: Span, code: DiagnosticCode, message: string, help: Help = {}): void {
    this.#errors++
    this.#add('error', line, span, code, message, help)
  }

  warning(line: Line, span: Span, code: DiagnosticCode, message: string, help: Help = {}): void {
    this.#warnings++
    this.#add('warning', line, span, code, message, help)
  }

  /** How a part of a line may be quoted in a message. */
  quote(line: Line, span: Span): string {
    // A message that is not kept does not have to be complete, and masking takes most of its time.
    if (this.#kept.error >= MOST_DIAGNOSTICS) return ''
    const start = span.column - 1
    return this.#maskedText(line).slice(start, start + span.length)
  }

  get hasErrors(): boolean {
    return this.#errors > 0
  }

  /** How many there are, kept or not. */
  get count(): number {
    return this.#errors + this.#warnings
  }

  /** Those that are kept, in order of line and column. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics.toSorted((a, b) => a.span.line - b.span.line || a.span.column - b.span.column)
  }

  /** How many there are besides {@link diagnostics}. */
  get omitted(): Omitted {
    return { errors: this.#errors - this.#kept.error, warnings: this.#warnings - this.#kept.warning }
  }

  /** The line as it may be displayed. It is kept, because it is displayed for each of its mistakes. */
  #maskedText({ text, kind }: Line): string {
    if (this.#masked?.text !== text || this.#masked.kind !== kind) {
      this.#masked = { text, kind, shown: this.#mask(text, kind) }
    }
    return this.#masked.shown
  }

  #add(
    severity: Diagnostic['severity'],
    line: Line,
    span: Span,
    code: DiagnosticCode,
    message: string,
    { expected, suggestion, related }: Help,
  ): void {
    if (this.#kept[severity] >= MOST_DIAGNOSTICS) return
    this.#kept[severity]++
    const source = this.#maskedText(line)
    this.#diagnostics.push({
      severity,
      code,
      message,
      file: this.file,
      span,
      source,
      ...(isMasked(line.text, source) ? { isMasked: true } : {}),
      ...(expected === undefined ? {} : { expected }),
      ...(suggestion === undefined ? {} : { suggestion }),
      ...(related === undefined ? {} : { related }),
    })
  }
}

/** Is a part of the line masked? The mask puts an asterisk for each character. */
function isMasked(text: string, shown: string): boolean {
  for (let index = 0; index < shown.length; index++) {
    if (shown[index] === '*' && text[index] !== '*') return true
  }
  return false
}
