import type { TestContext } from 'node:test'

/** Makes so many milliseconds pass. */
export type Pass = (milliseconds: number) => void

/**
 * From now on time passes for timers only when the test says so, a millisecond at a time: nothing comes too late because the machine
 * is busy. `until` still waits in real time.
 */
export function stopTime(t: TestContext): Pass {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return (milliseconds) => {
    for (let passed = 0; passed < milliseconds; passed++) t.mock.timers.tick(1)
  }
}
