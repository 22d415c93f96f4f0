import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work in small steps: what yields may be interrupted there. */
export type Steps<T> = Generator<undefined, T>

/** Milliseconds of work at one go while others wait. */
const SLICE_MS = 8

/** Does the whole work at one go. @throws what the work throws */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** As {@link finish}, letting the event loop run every few milliseconds: for a server at work. */
export async function finishInSteps<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const end = performance.now() + SLICE_MS
    do {
      const step = steps.next()
      if (step.done === true) return step.value
    } while (performance.now() < end)
    await nextTurn()
  }
}
