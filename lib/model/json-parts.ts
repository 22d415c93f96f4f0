import { type Fields, isFields } from './foreign-json'

/*
 * An object with long lists, as several lines of JSON: the first has everything but what does not fit of the lists, the others have the
 * rest. One long text would hold the event loop, while it is made and while it is parsed; between lines both may stop.
 */

/** Entries of each list in one line. */
const PART = 100

/** An entry that is JSON already: what is written again and again is put into words once. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** The lines, without line breaks. @param lists by their names; an empty one is written too. Each is read as far as the lines go */
export function* formatParts(
  fields: Fields,
  lists: Readonly<Record<string, Iterable<unknown>>>,
): Generator<string, void> {
  const sources = Object.entries(lists).map(([name, list]) => ({ name, entries: list[Symbol.iterator]() }))
  const takePart = (isFirst: boolean): string[] =>
    sources.flatMap(({ name, entries }) => {
      const part = takeSome(entries)
      return isFirst || part.length > 0
        ? [`${JSON.stringify(name)}:[${part.map(formatEntry).join(',')}]`]
        : []
    })
  const head = JSON.stringify(fields).slice(1, -1)
  yield `{${[...(head === '' ? [] : [head]), ...takePart(true)].join(',')}}`
  for (let part = takePart(false); part.length > 0; part = takePart(false)) yield `{${part.join(',')}}`
}

const formatEntry = (entry: unknown): string =>
  entry instanceof JsonText ? entry.text : JSON.stringify(entry)

function takeSome(entries: Iterator<unknown>): unknown[] {
  const some: unknown[] = []
  while (some.length < PART) {
    const next = entries.next()
    if (next.done === true) break
    some.push(next.value)
  }
  return some
}

/** One line of them; undefined if it is not an object. @throws SyntaxError if it is not JSON */
export function readPart(line: string): Fields | undefined {
  const value: unknown = JSON.parse(line)
  return isFields(value) ? value : undefined
}
