import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work in small steps: what yields may be interrupted there. */
export type Steps<T> = Generator<undefined, T>

/** Milliseconds of work at one go while others wait. */
const SLICE_MS = 2
const LEAST_STEPS = 4
/** Items of one step of {@link eachInSteps}. */
const ITEMS = 256

/** Does the whole work at one go. @throws what the work throws */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/**
 * Works for a few milliseconds, and does a few steps at least: what has no more is done at once, however busy the machine is.
 *
 * @returns the last step: is the work done?
 * @throws what the work throws
 */
export function workAWhile<T>(steps: Steps<T>): IteratorResult<undefined, T> {
  const end = performance.now() + SLICE_MS
  for (let count = 1; ; count++) {
    const step = steps.next()
    if (step.done === true || (count >= LEAST_STEPS && performance.now() >= end)) return step
  }
}

/** As {@link finish}, letting the event loop run every few milliseconds: for a server at work. */
export async function finishInSteps<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = workAWhile(steps)
    if (step.done === true) return step.value
    await nextTurn()
  }
}

/** Does the same with each item, a few hundred in a step. */
export function* eachInSteps<T>(items: Iterable<T>, work: (item: T) => void): Steps<void> {
  let count = 0
  for (const item of items) {
    work(item)
    if (++count % ITEMS === 0) yield
  }
}
