/**
 * The places of the largest values, largest first; of equal ones the first first. Sorting plain numbers is much quicker than sorting
 * what they belong to.
 */
export function placesOfLargest(values: Float64Array, most: number): readonly number[] {
  const least = values.length <= most ? -Infinity : values.toSorted().at(-most)!
  const above: number[] = []
  const equal: number[] = []
  for (const [place, value] of values.entries()) {
    if (value > least) above.push(place)
    else if (value === least && equal.length < most) equal.push(place)
  }
  return [...above, ...equal].slice(0, most).sort((a, b) => values[b]! - values[a]! || a - b)
}

/** The items of the largest weights, largest first. */
export function pickLargest<T>(items: readonly T[], most: number, weigh: (item: T) => number): readonly T[] {
  return placesOfLargest(Float64Array.from(items, weigh), most).map((place) => items[place]!)
}
