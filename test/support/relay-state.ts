import assert from 'node:assert/strict'
import type { Clock } from '../../lib/relays/clock'
import { LocalLimits } from '../../lib/relays/local-limits'
import { LocalRelayState, type RelayStateOptions } from '../../lib/relays/state'
import type { Lease, Unavailable, RelayState } from '../../lib/relays/types'

/** A clock of which both hands stand where the test puts them, in milliseconds. */
export interface TestClock extends Clock {
  /** Time passes. */
  readonly pass: (ms: number) => void
  /** Somebody sets the clock on the wall. */
  readonly setWall: (at: number) => void
}

export function testClock(start = 1_750_000_000_000, boot = 'this boot'): TestClock {
  let wall = start
  let monotonic = 5_000_000
  return {
    wall: () => wall,
    monotonic: () => monotonic,
    boot,
    pass: (ms) => {
      wall += ms
      monotonic += ms
    },
    setWall: (at) => (wall = at),
  }
}

/** What is known of relays in a server of one process. */
export function localRelayState(options: Partial<RelayStateOptions> = {}): RelayState {
  const { clock = testClock() } = options
  const limits = new LocalLimits({ monotonic: clock.monotonic })
  return new LocalRelayState({
    clock,
    log: { info: () => {}, warn: () => {} },
    limits,
    limitStatus: () => limits.arbiter.status(),
    ...options,
  })
}

/** The answer of a state that has nobody to ask. */
export function atOnce(answer: Lease | Unavailable | Promise<Lease | Unavailable>): Lease | Unavailable {
  assert.ok(!(answer instanceof Promise), 'an answer at once')
  return answer
}
