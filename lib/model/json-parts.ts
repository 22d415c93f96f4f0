import { type Fields, isFields } from './foreign-json'
import type { Steps } from './steps'

/*
 * An object with long lists, as several lines of JSON: the first has everything but what does not fit of the lists, the others have the
 * rest. Parsing one long text would hold the event loop; a reader of lines may stop between them.
 */

/** Entries of each list in one line. */
const PART = 100

/** @param lists by their names; an empty one is written too */
export function formatParts(fields: Fields, lists: Readonly<Record<string, readonly unknown[]>>): string {
  const partOf = (start: number) =>
    Object.fromEntries(
      Object.entries(lists).flatMap(([name, list]) =>
        start === 0 || start < list.length ? [[name, list.slice(start, start + PART)]] : [],
      ),
    )
  const longest = Math.max(0, ...Object.values(lists).map(({ length }) => length))
  let text = JSON.stringify({ ...fields, ...partOf(0) })
  for (let start = PART; start < longest; start += PART) text += `\n${JSON.stringify(partOf(start))}`
  return text
}

/**
 * Hands each line that is an object to `visit`, the first one first.
 *
 * @throws SyntaxError if a line is not JSON
 */
export function* readParts(text: string, visit: (fields: Fields) => void): Steps<void> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start)
    const value: unknown = JSON.parse(text.slice(start, end === -1 ? text.length : end))
    if (isFields(value)) visit(value)
    if (end === -1) return
    start = end + 1
    yield
  }
}
