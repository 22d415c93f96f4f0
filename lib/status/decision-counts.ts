import type { Decision } from '../model/decision'
import { COUNTS, countKey } from './counts'

/**
 * What is done with a message now. `try`: servers are asked; whether one takes the message shows later. `hold`: it waits for a relay that
 * is held by hand. `wait`: it waits for something else. Neither wait counts as an attempt.
 */
export type Action = 'try' | 'bounce' | 'defer' | 'hold' | 'wait'

export const SOURCES = ['overrides', 'attempts', 'dns'] as const satisfies readonly Decision['source'][]
export const ACTIONS = ['try', 'bounce', 'defer', 'hold', 'wait'] as const satisfies readonly Action[]

/** Upper bounds of the histogram, seconds; the last is everything above. */
export const BOUNDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, Infinity] as const

const SOURCE_INDEX: Readonly<Record<Decision['source'], number>> = { overrides: 0, attempts: 1, dns: 2 }
const ACTION_INDEX: Readonly<Record<Action, number>> = { try: 0, bounce: 1, defer: 2, hold: 3, wait: 4 }

/** Decisions since they were last taken. On the path of every message, so plain numbers. */
export class DecisionCounts {
  readonly #decisions = new Uint32Array(SOURCES.length * ACTIONS.length)
  readonly #buckets = new Uint32Array(BOUNDS.length)
  #milliseconds = 0

  add(source: Decision['source'], action: Action): void {
    this.#decisions[SOURCE_INDEX[source] * ACTIONS.length + ACTION_INDEX[action]]!++
  }

  /** How long a decision took. */
  addTime(milliseconds: number): void {
    const seconds = milliseconds / 1000
    let bucket = 0
    while (seconds > BOUNDS[bucket]!) bucket++
    this.#buckets[bucket]!++
    this.#milliseconds += milliseconds
  }

  /** The counts by key, which begin anew. */
  take(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [index, amount] of this.#decisions.entries()) {
      const source = SOURCES[Math.floor(index / ACTIONS.length)]!
      if (amount > 0) counts[countKey(COUNTS.decisions, source, ACTIONS[index % ACTIONS.length]!)] = amount
    }
    for (const [index, amount] of this.#buckets.entries()) {
      if (amount > 0) counts[countKey(COUNTS.decisionSeconds, String(BOUNDS[index]))] = amount
    }
    if (this.#milliseconds > 0) counts[COUNTS.decisionTime] = this.#milliseconds
    this.#decisions.fill(0)
    this.#buckets.fill(0)
    this.#milliseconds = 0
    return counts
  }
}
