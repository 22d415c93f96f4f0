/** All that a command may use of its surroundings. A test passes its own, and sees all that is printed. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** All of the standard input. */
  readonly input: () => Promise<Buffer>
  /** Whether colours are welcome there. */
  readonly color: { readonly out: boolean; readonly err: boolean }
  /** Characters that fit on one line of the output. */
  readonly columns: number
  /** Lines of the screen; undefined: the output is a file, a pipe, or a screen that cannot be redrawn. */
  readonly rows: number | undefined
  /** Takes over Ctrl-C. Aborts at Ctrl-C, at the end of the session, and when nobody reads the output any longer. */
  readonly interruption: () => AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
