import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The package as `npm publish` would send it. */
export interface Packed {
  /** Full path of the archive. */
  readonly archive: string
  /** What is in it, by path. */
  readonly files: readonly string[]
}

/** Packs what has been built into an archive in the folder. */
export function packPlugin(folder: string): Packed {
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // npm 11 and earlier print an array, later ones an object by package name.
  const report = Object.values(
    JSON.parse(output) as Record<string, { filename: string; files: { path: string }[] }>,
  )[0]!
  return { archive: join(folder, report.filename), files: report.files.map(({ path }) => path) }
}
