import { toPrintable } from './printable'

/*
 * JSON that another process or another version wrote. What is not as it should be counts as absent, and nothing is longer than what
 * this program writes.
 */

/** An object, as JSON has it. */
export type Fields = Readonly<Record<string, unknown>>

/** Is this an object, and not an array or null? */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object's fields; none for anything else. */
export const toFields = (value: unknown): Fields => (isFields(value) ? value : {})

/** A whole number, 0 or above; anything else is 0. */
export const toWholeNumber = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0

/** A time, or a number of things. */
export const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER

/** As {@link isAmount}; anything else is 0. */
export const toAmount = (value: unknown): number => (isAmount(value) ? value : 0)

/** The most characters of a text that is read. */
const LONGEST_TEXT = 500

/** A text, printable and of at most 500 characters; undefined for anything else. */
export const readText = (value: unknown): string | undefined =>
  typeof value === 'string' ? toPrintable(value, { max: LONGEST_TEXT }) : undefined

/** What can be read of a list: of its first `most` entries those that are objects and that `read` understands. */
export function readList<T>(value: unknown, most: number, read: (fields: Fields) => T | undefined): T[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, most).flatMap((each: unknown) => (isFields(each) ? (read(each) ?? []) : []))
}
