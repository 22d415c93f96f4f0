import type { Diagnostic } from './diagnostic'

const RED = '\u001b[1;31m'
const YELLOW = '\u001b[1;33m'
const GREEN = '\u001b[32m'
const BOLD = '\u001b[1m'
const RESET = '\u001b[0m'

/** The most of a line that is shown on each side of the caret. */
const CONTEXT = 100

/** The part of the line around the caret; a line that is very long is not shown in whole. */
function window(
  source: string,
  column: number,
  length: number,
): { text: string; before: string; caret: string } {
  const start = column - 1 > CONTEXT ? column - 1 - CONTEXT / 2 : 0
  const end = Math.min(source.length, column - 1 + CONTEXT)
  const lead = start > 0 ? '...' : ''
  const text = `${lead}${source.slice(start, end)}${end < source.length ? '...' : ''}`
  // A tab stays a tab, so that the caret stands where the terminal has put the character above it.
  const before = `${lead}${source.slice(start, column - 1)}`
    .padEnd(lead.length + column - 1 - start)
    .replace(/[^\t]/g, ' ')
  const room = Math.max(1, end - column + 1)
  return { text, before, caret: `^${'~'.repeat(Math.max(0, Math.min(length, room) - 1))}` }
}

/**
 * A diagnostic as text, without a line break at the end:
 *
 *     config/dns_overrides.ini:3:20: error: unknown condition or option $retrys
 *       * smtp.example.com $retrys>=4
 *                          ^~~~~~~
 *       expected: ...
 *       did you mean $retries?
 */
export function formatDiagnostic(diagnostic: Diagnostic, options: { color?: boolean } = {}): string {
  const paint = (code: string, text: string) => (options.color === true ? `${code}${text}${RESET}` : text)
  const { file, span, severity, message, source, expected, suggestion, related } = diagnostic
  const tint = severity === 'error' ? RED : YELLOW
  const { text, before, caret } = window(source, span.column, span.length)
  return [
    `${paint(BOLD, `${file}:${span.line}:${span.column}:`)} ${paint(tint, `${severity}:`)} ${message}`,
    `  ${text}`,
    `  ${before}${paint(tint, caret)}`,
    ...(expected === undefined ? [] : [`  expected: ${expected}`]),
    ...(suggestion === undefined ? [] : [`  did you mean ${paint(GREEN, suggestion)}?`]),
    ...(related === undefined ? [] : [`  ${file}:${related.line}: ${related.message}`]),
  ].join('\n')
}
