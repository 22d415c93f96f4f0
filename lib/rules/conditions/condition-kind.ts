import type { WordReader } from '../../source/word'

/** One kind of condition: its name without `$`, and how the rest of the word is read. */
export interface ConditionKind<C extends Written = Written> {
  readonly name: string
  /** How it is written, for messages. */
  readonly form: string
  /** Reads one condition; `rest` is the word after the name. What is wrong goes to the report, and nothing comes back. */
  readonly parse: (word: WordReader, rest: string) => C | undefined
}

/** What every condition has. */
export interface Written {
  /** As written. */
  readonly text: string
}

/** Offset in the word at which `rest` begins. */
export const restStart = (word: WordReader, rest: string) => word.text.length - rest.length
