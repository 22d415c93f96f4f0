/** Exit statuses of `dns-overrides`, numbered as in sysexits.h. */
export const EXIT = {
  /** Done; for `explain` and `resolve`: the message would be sent. */
  ok: 0,
  /** Wrong usage (EX_USAGE). */
  usage: 64,
  /** No route: the message would bounce (EX_NOHOST). */
  noRoute: 68,
  /** An internal error (EX_SOFTWARE). */
  fault: 70,
  /** The output could not be written (EX_IOERR). */
  output: 74,
  /** The message would be deferred; a relay cannot be used now (EX_TEMPFAIL). */
  tempFail: 75,
  /** The configuration is missing, has errors, or does not meet its own `[tests]` (EX_CONFIG). */
  config: 78,
} as const

/** What a command may touch of the world: injected, so that a test sees all that is printed. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** All of the standard input. */
  readonly input: () => Promise<Buffer>
  /** Whether colours are welcome there. */
  readonly color: { readonly out: boolean; readonly err: boolean }
  /** Characters that fit on one line of the output. */
  readonly columns: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly now: () => number
}

/** The words after the command, parsed. */
export interface Arguments {
  readonly operands: readonly string[]
  /** The value of an option; undefined if it was not given. */
  readonly value: (name: string) => string | undefined
  /** Whether a flag was given. */
  readonly flag: (name: string) => boolean
}
