import { accessSync, constants } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'

const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin']

/** The full path of a program, looked for in PATH and in the folders of system programs. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function skipFor(missing: readonly string[]): false | string {
  if (missing.length === 0) return false
  const text = `needs ${missing.join(', ')}`
  if (process.env.FORBID_SKIPS === '1') throw new Error(`${text}, and FORBID_SKIPS=1 forbids to skip`)
  return text
}

/**
 * The value of a test's `skip` option: false if every program is there, else what is missing. With FORBID_SKIPS=1 in the
 * environment a missing program is an error, so that no test is passed over unseen.
 */
export function needs(...names: string[]): false | string {
  return skipFor(names.filter((name) => findProgram(name) === undefined))
}

/** As {@link needs}, for the loopback address of IPv6, which some containers lack. */
export function needsIpv6(): false | string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return skipFor(
    addresses.some(({ address }) => address === '::1') ? [] : ['::1, the loopback address of IPv6'],
  )
}
