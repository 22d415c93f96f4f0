import { main } from '../../lib/cli/main'
import type { Terminal } from '../../lib/commands/shared/terminal'

/** What one command line printed, and its exit status. */
export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs one command line in this process, with its output kept. */
export async function run(words: readonly string[], changes: Partial<Terminal> = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const status = await main(words, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    input: async () => Buffer.alloc(0),
    color: { out: false, err: false },
    columns: 80,
    rows: undefined,
    interruption: () => new AbortController().signal,
    env: {},
    cwd: process.cwd(),
    now: () => Date.UTC(2026, 4, 17, 12, 0, 0),
    ...changes,
  })
  return { status, out, err }
}
