/** A place in a file. Lines and columns count from 1; a column is one UTF-16 code unit. */
export interface Span {
  readonly line: number
  readonly column: number
  /** Length in UTF-16 code units; at least 1. */
  readonly length: number
}

/** Another place that a diagnostic speaks of, such as the earlier of two equal keys. */
export interface Related {
  readonly line: number
  readonly message: string
}

/** One mistake (error) or doubtful place (warning) in a configuration file. Holds no secret: `source` is masked. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** A word for programs, such as `unknown-key`. */
  readonly code: string
  /** What is wrong, in one sentence without a full stop. */
  readonly message: string
  readonly file: string
  readonly span: Span
  /** The text of the line with passwords masked; `span` fits this text. */
  readonly source: string
  /** True if the mask hides a part of `source`. */
  readonly hidden?: true
  /** What would be right there. */
  readonly expected?: string
  /** The nearest correct spelling. */
  readonly suggestion?: string
  readonly related?: Related
}
