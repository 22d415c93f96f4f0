/** The words after the command, parsed. */
export interface Arguments {
  readonly operands: readonly string[]
  /** The value of an option; undefined if it was not given. */
  readonly value: (name: string) => string | undefined
  /** All values of an option that may be given several times, in order. */
  readonly values: (name: string) => readonly string[]
  /** Whether a flag was given. */
  readonly flag: (name: string) => boolean
}
