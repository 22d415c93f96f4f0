/** Exit statuses of `dns-overrides`, numbered as in sysexits.h. */
export const EXIT = {
  /** Done; for `explain` and `resolve`: mail would be delivered. */
  ok: 0,
  /** Wrong use of the command line (EX_USAGE). */
  usage: 64,
  /** No route: the message would bounce (EX_NOHOST). */
  noRoute: 68,
  /** A fault of this program (EX_SOFTWARE). */
  fault: 70,
  /** The message would be deferred; a relay failed its probe (EX_TEMPFAIL). */
  tempFail: 75,
  /** The configuration is missing, has errors, or does not meet its own `[tests]` (EX_CONFIG). */
  config: 78,
} as const

/** What a command may touch of the world: injected, so that a test sees all that is printed. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Are colours welcome there? */
  readonly color: { readonly out: boolean; readonly err: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly now: () => number
}

/** One option of a command, as its help and the parser see it. */
export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What the value is, as help shows it: `FILE`. Absent: a flag. */
  readonly value?: string
  readonly summary: string
}

/** What follows the command that is no option. */
export interface OperandSpec {
  readonly name: string
  readonly optional?: boolean
  readonly repeats?: boolean
}

/** The words after the command, parsed. */
export interface Arguments {
  readonly operands: readonly string[]
  /** The value of an option, undefined where it was not given. */
  readonly value: (name: string) => string | undefined
  readonly flag: (name: string) => boolean
}

/** One command: what help says and what is run. Its code is loaded only when it runs. */
export interface CommandSpec {
  readonly name: string
  readonly summary: string
  readonly operands: readonly OperandSpec[]
  readonly options: readonly OptionSpec[]
  /** Paragraphs of help. */
  readonly details: readonly string[]
  readonly examples: readonly { readonly args: string; readonly does: string }[]
  readonly exits: readonly (keyof typeof EXIT)[]
  readonly load: () => (args: Arguments, terminal: Terminal) => Promise<number> | number
}
