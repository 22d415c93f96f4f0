/** A line of a file, unchanged. */
export interface SourceLine {
  /** From 1. */
  readonly line: number
  readonly text: string
}

/** What the lines of a section are. `top` is the part before the first header, `unknown` a section that does not exist. */
export type SectionKind =
  | 'top'
  | 'overrides'
  | 'dns'
  | 'zone'
  | 'relay'
  | 'direct'
  | 'attempts'
  | 'redis'
  | 'status'
  | 'tests'
  | 'unknown'

/** What a line is, which decides how much of it may be shown. */
export type LineKind = SectionKind | 'header'

/** A line of the file and what it is. */
export interface Line extends SourceLine {
  readonly kind: LineKind
}

/** A line as it may be shown: it has the same length, with passwords and control characters replaced. */
export type Mask = (text: string, kind: LineKind) => string
