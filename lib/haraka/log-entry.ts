import { toPrintable } from '../model/printable'
import type { Loggable } from '../haraka-objects/plugin'

/** The most characters of a line. */
export const LONGEST_TEXT = 2_000
/** The most characters of one field. */
const LONGEST_FIELD = 500
/** The most values of a field that has several. */
const MOST_VALUES = 50

/**
 * Fields beside the text of a log line. Haraka's logger (`logger.js`) puts them into the record with `log.ini format = json` and
 * `logfmt`, and else appends them as `key=value`. Its own names must not be used: level, message, name, origin, uuid.
 */
export type LogFields = Readonly<Record<string, string | number | readonly (string | number)[]>>

/** One line for the log. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'notice' | 'warn' | 'error' | 'crit'
  readonly text: string
  readonly fields?: LogFields
}

function printableValue(value: string | number): string | number {
  return typeof value === 'number' ? value : toPrintable(value, { max: LONGEST_FIELD })
}

/** The fields on one line each, printable, and not too long. */
function printableFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (typeof value !== 'object') return [key, printableValue(value)]
      const kept = value.slice(0, MOST_VALUES).map(printableValue)
      return [key, value.length > MOST_VALUES ? [...kept, `and ${value.length - MOST_VALUES} more`] : kept]
    }),
  )
}

/** Writes a line, whatever strangers have put into it. A tab stays, because carets are counted by it. */
export function writeEntry(log: Loggable, { level, text, fields }: LogEntry): void {
  const printable = toPrintable(text, { max: LONGEST_TEXT, line: true })
  if (fields === undefined) log[`log${level}`](printable)
  else log[`log${level}`](printable, printableFields(fields))
}

/** The warnings of one process, for a part of the plugin that knows no log. */
export const createWarn =
  (log: Loggable) =>
  (text: string): void =>
    writeEntry(log, { level: 'warn', text })
