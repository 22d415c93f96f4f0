import { fold } from './fold'

/** Does this text match? */
export type Matcher = (text: string) => boolean

/**
 * A wildcard as a function: `*` any run of characters, `?` exactly one, the whole text, without regard to case.
 *
 * The time is at most (length of the text) x (length of the pattern): linear in the text, which strangers write. Without `?`
 * the texts between the stars are searched for by the engine's own functions, which costs a tenth of looking at each character.
 */
export function compileWildcard(pattern: string): Matcher {
  const wanted = fold(pattern)
  if (wanted.includes('?')) return (text) => matchesFolded(wanted, fold(text))
  const pieces = wanted.split('*')
  if (pieces.length === 1) return (text) => fold(text) === wanted
  const first = pieces[0]!
  const last = pieces.at(-1)!
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  return (text) => hasPieces(fold(text), first, middle, last)
}

/** Does the text begin and end with these, without overlap, and have the others in between, in order? */
function hasPieces(text: string, first: string, middle: readonly string[], last: string): boolean {
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let from = first.length
  for (const piece of middle) {
    const found = text.indexOf(piece, from)
    if (found === -1) return false
    from = found + piece.length
  }
  return from <= end
}

/**
 * As {@link compileWildcard}, for a pattern and a text that are in lower case already.
 *
 * It only ever goes back to the last `*`.
 */
export function matchesFolded(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    const wanted = pattern[p]
    if (wanted === '*') {
      star = p++
      resume = t
    } else if (wanted === '?') {
      p++
      t += width(text, t)
    } else if (wanted !== undefined && wanted === text[t]) {
      p++
      t++
    } else if (star !== -1) {
      resume += width(text, resume)
      p = star + 1
      t = resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** Code units of the character that begins here: an astral one is one character of two units. */
function width(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1
}
