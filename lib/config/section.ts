import type { Span } from '../source/diagnostic'
import type { Line, SectionKind } from '../source/line'
import type { Setting } from './types'

/** A `key = value` line with the line that it stands on; `key` is spelt as we do. */
export interface SettingLine extends Setting {
  readonly source: Line
}

/** The header of a section. */
export interface Header {
  readonly kind: SectionKind
  /** Of `[relay:NAME]` and `[direct:NAME]`, as written; of `[zone:DOMAIN]`, as A-labels in lower case. Absent if it is not one. */
  readonly name?: string
  readonly header: { readonly source: Line; readonly span: Span }
}

/** One section: its settings by key, and its other lines. The header is absent for what stands before the first. */
export interface Section extends Omit<Header, 'header'>, Partial<Pick<Header, 'header'>> {
  readonly settings: ReadonlyMap<string, SettingLine>
  readonly lines: readonly Line[]
}
