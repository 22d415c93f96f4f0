import type { WordReader } from '../../source/word'
import type { Condition, Facts, Outcome } from '../types'

/** One kind of condition: its name without `$`, and how the rest of the word is read. */
export interface ConditionKind {
  readonly name: string
  /** How it is written, for messages. */
  readonly form: string
  /**
   * Reads one condition. `rest` is the word behind the name; what is wrong goes to the report, and there is no condition then.
   */
  readonly parse: (word: WordReader, rest: string) => Condition | undefined
}

/** The outcome of a condition that needs no DNS. */
export function outcome(holds: boolean, text: string, name: string, seen: string): Outcome {
  return holds ? { holds } : { holds, reason: `${text} is false: ${name} is ${seen}` }
}

/** Offset in the word at which `rest` begins. */
export const restStart = (word: WordReader, rest: string) => word.text.length - rest.length

export type Test = (facts: Facts) => Outcome | Promise<Outcome>
