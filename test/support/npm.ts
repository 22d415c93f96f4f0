import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** How `npm install` ended, and all that it printed. */
export interface Installation {
  readonly status: number | null
  readonly output: string
}

/** Makes the folder one that npm installs into, as `npm init` does. */
export function initFolder(folder: string): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
}

/** Runs `npm install` in a folder. Packages that are in npm's cache are not asked for again. */
export async function npmInstall(folder: string, ...words: readonly string[]): Promise<Installation> {
  const child = spawn('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: string) => (output += chunk)
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, output }
}
