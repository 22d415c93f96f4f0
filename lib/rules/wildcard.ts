import { fold } from './text'

/** Does this text match? */
export type Matcher = (text: string) => boolean

/**
 * A wildcard as a function: `*` any run of characters, `?` exactly one, the whole text, without regard to case.
 *
 * Only the last `*` is ever gone back to, so the time is at most (length of the text) x (length of the pattern): linear in
 * the text, which strangers write.
 */
export function compileWildcard(pattern: string): Matcher {
  const wanted = fold(pattern).replace(/\*+/g, '*')
  if (wanted === '*') return () => true
  if (!/[*?]/.test(wanted)) return (text) => fold(text) === wanted
  return (text) => matchesFolded(wanted, fold(text))
}

/** As {@link compileWildcard}, for a pattern and a text that are in lower case already. */
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
