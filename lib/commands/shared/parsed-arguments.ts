/** The words after the command, parsed. */
export interface Arguments {
  readonly operands: readonly string[]
  /** The value of an option; undefined if it was not given. */
  readonly value: (name: string) => string | undefined
  /** Whether a flag was given. */
  readonly flag: (name: string) => boolean
}
