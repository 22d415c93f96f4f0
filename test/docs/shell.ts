import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLI } from '../support/cli'

/** The Haraka folder as the pages call it. */
export const SHOWN_FOLDER = '/srv/haraka'

/** A text of the pages, and what stands for it while they are tested. */
export type Substitution = readonly [shown: string, real: string]

const replaceAll = (text: string, pairs: readonly Substitution[]) =>
  pairs.reduce((result, [from, to]) => result.replaceAll(from, to), text)

/** Puts what is real in place of what the pages show. */
export const toReal = (text: string, pairs: readonly Substitution[]) => replaceAll(text, pairs)

/** The other way round, for output. */
export const toShown = (text: string, pairs: readonly Substitution[]) =>
  replaceAll(
    text,
    pairs.map(([shown, real]) => [real, shown]),
  )

/** Writes what an installed package has there: `dns-overrides` as it was compiled; and `npx`, without its search for PROGRAM. */
function writePrograms(folder: string): void {
  const scripts = { npx: 'exec "$@"', 'dns-overrides': `exec '${process.execPath}' '${CLI}' "$@"` }
  mkdirSync(folder, { recursive: true })
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
}

/** Runs the commands of a page in one folder, by `sh`; gives what they print on both outputs. */
export function openShell(cwd: string, substitutions: readonly Substitution[] = []) {
  const programs = join(cwd, 'node_modules', '.bin')
  writePrograms(programs)
  const { HARAKA: _, NO_COLOR: __, ...rest } = process.env
  const env = { ...rest, PATH: `${programs}:${rest.PATH}`, TZ: 'UTC', LC_ALL: 'C.UTF-8' }
  const pairs: readonly Substitution[] = [[SHOWN_FOLDER, cwd], ...substitutions]
  return (command: string): Promise<string> =>
    new Promise((resolve) => {
      execFile('sh', ['-c', `exec 2>&1; ${toReal(command, pairs)}`], { cwd, env }, (_error, stdout) =>
        resolve(toShown(stdout, pairs).trimEnd()),
      )
    })
}
