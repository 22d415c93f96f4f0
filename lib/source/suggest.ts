/** The longest word that is compared: no known name is longer, and a very long word would only cost time. */
const LONGEST = 64

/**
 * How many letters to add, drop, change or swap with their neighbour to turn one word into the other (optimal
 * string alignment).
 */
function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, before[column - 2]! + 1)
      }
      current.push(best)
    }
    before = previous
    previous = current
  }
  return previous[b.length]!
}

/** The known words, those that are spelt most like `word` first, however different they are. */
export function nearestFew(word: string, known: readonly string[], most: number): readonly string[] {
  const wanted = word.slice(0, LONGEST).toLowerCase()
  return known
    .map((each) => ({ each, steps: distance(wanted, each.toLowerCase()) }))
    .toSorted((a, b) => a.steps - b.steps)
    .slice(0, most)
    .map(({ each }) => each)
}

/** The known word that is spelt most like `word`, if it is similar enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.min(3, Math.max(1, Math.round(word.length * 0.4))) + 1
  for (const each of known) {
    if (Math.abs(each.length - word.length) >= bestDistance) continue
    const steps = distance(wanted, each.toLowerCase())
    if (steps < bestDistance) {
      best = each
      bestDistance = steps
    }
  }
  return best
}
