/** What programs work that answer keys on their standard input, each with one line or with none. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A program and its arguments; what is added to its environment. */
export interface Command {
  readonly argv: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

export interface CommandRun {
  /** User and system time, microseconds. */
  readonly cpu: number
  readonly output: string
}

/** User and system time in seconds, with three digits, and nothing else. */
const TIME = `TIMEFORMAT='cpu %3U %3S'; time "$@" <"$INPUT" >"$OUTPUT"`

/**
 * Runs a command on an input. Files are used, not pipes: nobody waits for somebody else. Needs bash, whose `time` gives milliseconds.
 *
 * @throws Error if it fails
 */
export function runCommand({ argv, env }: Command, input: string, folder: string): CommandRun {
  const files = { INPUT: join(folder, 'input'), OUTPUT: join(folder, 'output') }
  writeFileSync(files.INPUT, input)
  const { status, stderr } = spawnSync('bash', ['-c', TIME, 'time', ...argv], {
    env: { ...process.env, ...files, ...env },
    encoding: 'utf8',
  })
  const [, user, system] = /cpu (\S+) (\S+)\s*$/.exec(stderr) ?? []
  if (user === undefined || status === null || status > 1) {
    throw new Error(`${argv.join(' ')}: status ${status}\n${stderr}`)
  }
  return { cpu: (Number(user) + Number(system)) * 1e6, output: readFileSync(files.OUTPUT, 'utf8') }
}
