import type { Diagnostic } from './diagnostic'
import { formatDiagnostic, type FormatOptions } from './format'

/** Which diagnostics {@link formatFirst} writes. */
export interface ListOptions extends FormatOptions {
  /** The most diagnostics to write. */
  readonly most: number
  /**
   * How many there are besides the list, see `Report.omitted`.
   *
   * @default 0
   */
  readonly omitted?: number
}

/**
 * The first diagnostics of a list as text, each as `formatDiagnostic` writes it. The last text is the number of the rest: one file must
 * not fill the log.
 *
 * @example formatFirst(diagnostics, { most: 50 }) // [..., 'and 1,234 more']
 */
export function formatFirst(diagnostics: readonly Diagnostic[], options: ListOptions): readonly string[] {
  const { most, omitted = 0 } = options
  const texts = diagnostics.slice(0, most).map((diagnostic) => formatDiagnostic(diagnostic, options))
  const rest = diagnostics.length - texts.length + omitted
  return rest === 0 ? texts : [...texts, `and ${rest.toLocaleString('en')} more`]
}
