import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** The program as it was compiled together with this test. */
export const CLI = join(__dirname, '..', '..', 'lib', 'cli', 'bin.js')

/** What a process printed, and how it ended. */
export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Runs the program as a process of its own. */
export async function runProcess(
  words: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly cwd?: string
    readonly input?: string
    /** The user that runs it; only root can choose. */
    readonly uid?: number
  } = {},
): Promise<Finished> {
  const { HARAKA: _, NO_COLOR: __, ...env } = process.env
  const child = spawn(process.execPath, [CLI, ...words], {
    env: { ...env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    stdio: 'pipe',
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.stdin.end(options.input ?? '')
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { status, signal, out, err }
}
