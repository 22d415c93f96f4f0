/**
 * Does `wide` match every domain that `narrow` matches? A `*` of the narrow pattern stands for anything, so only a `*` of the wide
 * one can cover it; a `?` is covered by `?` or `*`. Where this says yes it is so; a few cases such as `?*` and `*?` are missed.
 */
export function covers(wide: string, narrow: string): boolean {
  if (wide === '*' || wide === narrow) return true
  // reach[j]: the wide pattern up to its j-th character covers the narrow one so far
  let reach = closure(
    wide,
    Array.from({ length: wide.length + 1 }, (_, index) => index === 0),
  )
  for (const character of narrow) {
    const next = Array.from({ length: wide.length + 1 }, () => false)
    for (const [index, reached] of reach.entries()) {
      if (!reached) continue
      const wanted = wide[index]
      if (wanted === '*') next[index] = true
      else if (wanted === character || (wanted === '?' && character !== '*')) next[index + 1] = true
    }
    reach = closure(wide, next)
    if (!reach.includes(true)) return false
  }
  return reach[wide.length] === true
}

/** A `*` may stand for nothing. */
function closure(pattern: string, reach: boolean[]): boolean[] {
  for (const [index, reached] of reach.entries()) {
    if (reached && pattern[index] === '*') reach[index + 1] = true
  }
  return reach
}

/** A text that the pattern matches. */
export function sampleOf(pattern: string): string {
  return pattern.replaceAll('*', 'z').replaceAll('?', 'z')
}

/** The text before the first wildcard, and the text after the last. */
function ends(pattern: string): { readonly head: string; readonly tail: string } {
  const first = pattern.search(/[*?]/)
  if (first === -1) return { head: pattern, tail: pattern }
  return {
    head: pattern.slice(0, first),
    tail: pattern.slice(Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1),
  }
}

/** Is there a text that both patterns match? */
export function overlap(a: string, b: string): boolean {
  const [x, y] = [ends(a), ends(b)]
  if (!x.head.startsWith(y.head) && !y.head.startsWith(x.head)) return false
  if (!x.tail.endsWith(y.tail) && !y.tail.endsWith(x.tail)) return false
  return a === '*' || b === '*' || meet(a, b)
}

function meet(a: string, b: string): boolean {
  // reach[i][j]: some text is matched by the first i characters of a and the first j of b
  const reach = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => false))
  reach[0]![0] = true
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      if (!reach[i]![j]) continue
      const x = a[i]
      const y = b[j]
      if (x === '*') reach[i + 1]![j] = true
      if (y === '*') reach[i]![j + 1] = true
      // a star takes one character of the other side, and stays
      if (x === '*' && y !== undefined && y !== '*') reach[i]![j + 1] = true
      if (y === '*' && x !== undefined && x !== '*') reach[i + 1]![j] = true
      if (
        x !== undefined &&
        y !== undefined &&
        x !== '*' &&
        y !== '*' &&
        (x === y || x === '?' || y === '?')
      ) {
        reach[i + 1]![j + 1] = true
      }
    }
  }
  return reach[a.length]![b.length]!
}
