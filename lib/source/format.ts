import type { Diagnostic } from './diagnostic'
import { displayWidth, widthOfCharacter } from './display-width'

const RED = '\u001b[1;31m'
const YELLOW = '\u001b[1;33m'
const GREEN = '\u001b[32m'
const BOLD = '\u001b[1m'
const RESET = '\u001b[0m'

const INDENT = '  '
const ELLIPSIS = '...'
/** The most cells that a tab takes. */
const TAB = 8

/** How {@link formatDiagnostic} writes. */
export interface FormatOptions {
  /** @default false */
  readonly color?: boolean
  /**
   * Cells of a line of the terminal. A line of the file that is longer is cut around the caret.
   *
   * @default 120
   */
  readonly columns?: number
}

const cellsOf = (character: string) => (character === '\t' ? TAB : widthOfCharacter(character))

/**
 * The part of a line that is displayed, as offsets: all of it if it fits into `cells`, else the caret with a third of the cells before it
 * and the rest after it.
 */
function findWindow(source: string, caret: number, cells: number): { start: number; end: number } {
  // What is further away is not displayed: a line may be very long.
  const from = Math.max(0, caret - 2 * cells)
  const to = Math.min(source.length, caret + 2 * cells)
  const characters = Array.from(source.slice(from, to))
  let at = from
  const offsets = characters.map((character) => (at += character.length) - character.length)
  const total = characters.reduce((sum, character) => sum + cellsOf(character), 0)
  if (to - from === source.length && total <= cells) return { start: 0, end: source.length }
  const room = Math.max(cells - 2 * ELLIPSIS.length, 1)
  const found = offsets.findIndex((offset, index) => caret < offset + characters[index]!.length)
  let first = found === -1 ? characters.length : found
  let last = first
  let used = 0
  const take = (index: number, limit: number): boolean => {
    const character = characters[index]
    if (character === undefined || used + cellsOf(character) > limit) return false
    used += cellsOf(character)
    return true
  }
  while (take(first - 1, room / 3)) first--
  while (take(last, room)) last++
  while (take(first - 1, room)) first--
  return { start: offsets[first] ?? to, end: offsets[last] ?? to }
}

/** The line, or its part around the caret, and the line with the caret under it. */
function drawCaret(
  { source, span }: Diagnostic,
  columns: number,
): { readonly text: string; readonly before: string; readonly caret: string } {
  const begin = Math.min(span.column - 1, source.length)
  const { start, end } = findWindow(source, begin, columns - INDENT.length)
  const lead = start > 0 ? ELLIPSIS : ''
  const text = `${lead}${source.slice(start, end)}${end < source.length ? ELLIPSIS : ''}`
  // A tab stays a tab, so that the caret is below the character that it points at.
  const before = [...`${lead}${source.slice(start, begin)}`]
    .map((character) => (character === '\t' ? character : ' '.repeat(widthOfCharacter(character))))
    .join('')
  const marked = source.slice(begin, Math.min(end, begin + span.length))
  return { text, before, caret: `^${'~'.repeat(Math.max(0, displayWidth(marked) - 1))}` }
}

/**
 * A diagnostic as text, without a line break at the end. An empty source is not shown.
 *
 *     config/dns_overrides.ini:3:20: error: unknown condition or option $retrys
 *       * smtp.example.com $retrys>=4
 *                          ^~~~~~~
 *       expected: ...
 *       did you mean $retries?
 */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  const { color = false, columns = 120 } = options
  const paint = (code: string, text: string) => (color ? `${code}${text}${RESET}` : text)
  const { file, span, severity, message, isMasked, expected, suggestion, related } = diagnostic
  const tint = severity === 'error' ? RED : YELLOW
  const { text, before, caret } = drawCaret(diagnostic, columns)
  return [
    `${paint(BOLD, `${file}:${span.line}:${span.column}:`)} ${paint(tint, `${severity}:`)} ${message}`,
    ...(diagnostic.source === ''
      ? []
      : [`${INDENT}${text.trimEnd()}`, `${INDENT}${before}${paint(tint, caret)}`]),
    ...(isMasked === true ? [`${INDENT}note: *** hides what may be a password`] : []),
    ...(expected === undefined ? [] : [`${INDENT}expected: ${expected}`]),
    ...(suggestion === undefined ? [] : [`${INDENT}did you mean ${paint(GREEN, suggestion)}?`]),
    ...(related === undefined ? [] : [`${INDENT}${file}:${related.line}: ${related.message}`]),
  ].join('\n')
}
