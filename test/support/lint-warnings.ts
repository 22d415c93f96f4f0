import { lint } from '../../lib/rules/lint'
import { configure } from './rules'

/** Retry intervals for which the texts are checked, seconds. */
export const INTERVALS = [60, 300, 3600]

/** The warnings of a text as `line:column code message`. */
export function warnings(
  text: string,
  context: { fileMode?: number; intervals?: readonly number[] } = {},
): string[] {
  return lint(configure(text), { text, retryIntervalsSeconds: INTERVALS, fileMode: 0o640, ...context }).map(
    ({ span, code, message }) => `${span.line}:${span.column} ${code} ${message}`,
  )
}
