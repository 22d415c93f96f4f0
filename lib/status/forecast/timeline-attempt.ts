import type { Explanation } from '../explanation'

/** One attempt, if every earlier one failed. */
export interface TimelineAttempt {
  /** When Haraka would make it, ms since the epoch. */
  readonly at: number
  readonly explanation: Explanation
}
