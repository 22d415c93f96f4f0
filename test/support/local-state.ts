import assert from 'node:assert/strict'
import type { Hold } from '../../lib/relays/holds'
import type { RelayStateOptions } from '../../lib/relays/state'
import type { StateFolder } from '../../lib/relays/state-folder'
import { isUnavailable, type Lease, type Unavailable } from '../../lib/relays/types'
import type { Exchange } from '../../lib/model/exchange'
import { atOnce, localRelayState, testClock } from './relay-state'

/** When the tests begin, milliseconds since the epoch. */
export const T = 1_750_000_000_000

export const HOUR = 3_600_000

/** A state of relays without Redis, at a clock of the test. */
export function setUpState(options: Partial<RelayStateOptions> = {}) {
  const clock = testClock(T)
  const logged: string[] = []
  const state = localRelayState({
    clock,
    log: { info: (text) => logged.push(text), warn: (text) => logged.push(text) },
    ...options,
  })
  const acquire = (exchange: Exchange, lastResort = false) => atOnce(state.acquire(exchange, { lastResort }))
  return { clock, logged, state, acquire }
}

/** The lease of an answer that must be one. */
export function expectLease(answer: Lease | Unavailable): Lease {
  assert.ok(!isUnavailable(answer), JSON.stringify(answer))
  return answer
}

/** A state folder with these holds. */
export function folderOf(held: readonly Hold[]): StateFolder {
  return {
    holdOf: (name) => held.find((hold) => hold.name === name),
    holds: () => held,
    publish: () => {},
    noteChange: () => {},
    close: () => {},
  }
}
