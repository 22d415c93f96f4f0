import { formatDuration, parseDuration } from '../model/duration'

/** What was expected of a value. `at` is the part of it that is wrong, if not the whole. */
export interface Fault {
  /** What is wrong, where that can be said; else the value is quoted. */
  readonly problem?: string | undefined
  readonly expected: string
  readonly suggestion?: string | undefined
  readonly at?: { readonly start: number; readonly end: number }
}

/** A part of a value that is legal and was probably not meant so. */
export interface Doubt {
  readonly message: string
  readonly expected: string
  readonly at: { readonly start: number; readonly end: number }
}

/** What a value means, or what was expected instead; `more` are the faults of further parts. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T; readonly doubt?: Doubt }
  | ({ readonly ok: false; readonly more?: readonly Fault[] } & Fault)

/** Reads one value. */
export type Reader<T> = (text: string) => Reading<T>

const good = <T>(value: T): Reading<T> => ({ ok: true, value })

/** A whole number between two bounds, both allowed. */
export function wholeNumber(least: number, most: number): Reader<number> {
  const expected =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number, at least ${least}`
      : `a whole number from ${least} to ${most}`
  return (text) => {
    const value = Number(text)
    return /^\d+$/.test(text) && value >= least && value <= most ? good(value) : { ok: false, expected }
  }
}

/** A time such as `500ms`, `5s`, `10m`, `1h`, `1d`; a plain number is seconds. Bounds and result in milliseconds. */
export function duration(least: number, most: number): Reader<number> {
  const expected = `a time from ${formatDuration(least)} to ${formatDuration(most)}, such as 500ms, 5s, 10m, 1h, 1d`
  return (text) => {
    const value = parseDuration(text) ?? Number.NaN
    return value >= least && value <= most ? good(value) : { ok: false, expected }
  }
}

/** As {@link duration}, in whole seconds: what a TTL is. */
export function seconds(least: number, most: number): Reader<number> {
  const read = duration(least * 1000, most * 1000)
  return (text) => {
    const time = read(text)
    return time.ok ? good(Math.floor(time.value / 1000)) : time
  }
}

/** `10%` or `10`. */
export const percent: Reader<number> = (text) => {
  const value = Number(text.replace(/\s*%$/, ''))
  return /^\d+\s*%?$/.test(text) && value <= 90
    ? good(value)
    : { ok: false, expected: 'a percentage from 0 to 90' }
}

export const yesOrNo: Reader<boolean> = (text) => {
  switch (text.toLowerCase()) {
    case 'true':
    case 'yes':
    case 'on':
    case '1':
      return good(true)
    case 'false':
    case 'no':
    case 'off':
    case '0':
      return good(false)
    default:
      return { ok: false, expected: 'true or false' }
  }
}

/** One of a few words, case-insensitive. */
export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  const expected = words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}` : words.join('')
  return (text) => {
    const word = words.find((known) => known === text.toLowerCase())
    return word === undefined ? { ok: false, expected } : good(word)
  }
}

/** What other configuration formats read differently, where it comes first in a value. */
const DOUBTS: readonly (readonly [form: RegExp, message: string, expected: string])[] = [
  [/^(["']).*\1$/, 'the quotes are part of the value', 'the value without quotes'],
  [/\$\{\w+\}/, 'variables are not replaced: "${" and "}" are part of the value', 'the value itself'],
  [/(?<=\s)#/, '"#" is part of the value', 'white space and ";" before a comment'],
]

/** Any text, also none. A doubt is not an error: a password may have quotes. */
export const anyText: Reader<string> = (value) => {
  for (const [form, message, expected] of DOUBTS) {
    const match = form.exec(value)
    if (match === null) continue
    const at = { start: match.index, end: match.index + match[0].length }
    return { ok: true, value, doubt: { message, expected, at } }
  }
  return good(value)
}

/** Any text but none. */
export function plainText(expected: string): Reader<string> {
  // A line break or NUL cannot be in it: the file has neither in a value, but a NUL would end it for SASL PLAIN (RFC 4616).
  return (value) => (value === '' || /\p{Cc}/u.test(value) ? { ok: false, expected } : anyText(value))
}

/** A reader that suggests the word that was meant by a word from elsewhere. */
export function withMeant<T>(read: Reader<T>, meant: Readonly<Record<string, string>>): Reader<T> {
  return (text) => {
    const reading = read(text)
    const word = text.toLowerCase()
    return reading.ok || !Object.hasOwn(meant, word) ? reading : { ...reading, suggestion: meant[word] }
  }
}

/** A list of parts between commas, each read separately; every bad one is reported. Blank: an empty list. */
export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => {
    if (value === '') return good([])
    const parts: T[] = []
    const faults: Fault[] = []
    let offset = 0
    for (const raw of value.split(',')) {
      const part = raw.trim()
      const start = part === '' ? offset : offset + raw.indexOf(part)
      const reading = read(part)
      if (reading.ok) parts.push(reading.value)
      else faults.push({ ...reading, at: { start, end: Math.max(start + part.length, start + 1) } })
      offset += raw.length + 1
    }
    const [first, ...more] = faults
    return first === undefined ? good(parts) : { ...first, ok: false, more }
  }
}
