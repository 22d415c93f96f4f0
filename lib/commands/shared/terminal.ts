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
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
