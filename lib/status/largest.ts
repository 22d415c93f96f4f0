import type { Steps } from '../model/steps'

/** Weights of one step. */
const STEP = 512

/**
 * The places of the largest weights, largest first; of equal ones the first first. In steps: sorting all at one go would hold the event
 * loop.
 *
 * @param count how many places there are, from 0
 * @param most places that are looked for
 */
export function* placesOfLargest(
  count: number,
  most: number,
  weigh: (place: number) => number,
): Steps<readonly number[]> {
  if (most === 0) return []
  const weights = new Float64Array(count)
  const isBefore = (a: number, b: number) => weights[a]! > weights[b]! || (weights[a] === weights[b] && a < b)
  /** A heap: the last one of those that are kept is at 0, and nobody is before its children at 2i + 1 and 2i + 2. */
  const kept: number[] = []
  for (let place = 0; place < count; place++) {
    weights[place] = weigh(place)
    if (kept.length < most) rise(kept, place, isBefore)
    else if (isBefore(place, kept[0]!)) sink(kept, place, isBefore)
    if (place % STEP === STEP - 1) yield
  }
  return kept.sort((a, b) => (isBefore(a, b) ? -1 : 1))
}

type Comparison = (a: number, b: number) => boolean

/** Adds one at the end, and lets it rise to where it belongs. */
function rise(heap: number[], place: number, isBefore: Comparison): void {
  let at = heap.length
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (isBefore(place, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = place
}

/** Puts one in the place of the first, and lets it sink to where it belongs. */
function sink(heap: number[], place: number, isBefore: Comparison): void {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child]!, heap[child + 1]!)) child++
    if (isBefore(heap[child]!, place)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = place
}

/** The items of the largest weights, largest first, in steps. */
export function* pickLargest<T>(
  items: readonly T[],
  most: number,
  weigh: (item: T) => number,
): Steps<readonly T[]> {
  const places = yield* placesOfLargest(items.length, most, (place) => weigh(items[place]!))
  return places.map((place) => items[place]!)
}
