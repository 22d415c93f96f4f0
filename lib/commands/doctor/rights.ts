import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readMainSettings } from '../../haraka-files/ini-sections'
import { STATE_FOLDER } from '../../relays/state-folder'
import { readRegularFile } from '../../files/read-file'
import { queueFolderOf, type Location } from '../shared/location'
import { formatCount } from '../../status/wording'
import { error, ok, warning, type Finding } from './finding'

/** The user that Haraka runs as, in a form for `process.setuid`: a name or a number. */
interface HarakaUser {
  readonly user: string | number
  readonly group?: string | number
  /** Where it is set, for the reader. */
  readonly known: string
}

/** What Haraka's user must be able to do with a path. */
interface Need {
  readonly path: string
  readonly mode: number
  readonly what: string
}

const LONGEST_SETTINGS = 1024 * 1024
const idOrName = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text)

/** The user of `smtp.ini`, or else the owner of the state folder. Undefined if neither is known. */
function findUser({ configFolder, harakaFolder }: Location): HarakaUser | undefined {
  try {
    const main = readMainSettings(
      readRegularFile(join(configFolder, 'smtp.ini'), LONGEST_SETTINGS).bytes.toString('utf8'),
    )
    const [user, group] = [main.get('user') ?? '', main.get('group') ?? '']
    if (user !== '') {
      return {
        user: idOrName(user),
        ...(group === '' ? {} : { group: idOrName(group) }),
        known: `user ${user} of smtp.ini`,
      }
    }
  } catch {
    // Haraka's default: no user, so that it runs as the user that started it.
  }
  const stats = statSync(join(harakaFolder, STATE_FOLDER), { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  return { user: stats.uid, group: stats.gid, known: `user ${stats.uid}, who owns ${STATE_FOLDER}` }
}

/** Becomes the user as Haraka does (`server.js`), and tries each access. Prints the numbers of those that are denied. */
const TRY_AS_USER = `
const [user, group, ...needs] = process.argv.slice(1)
const id = (text) => (/^\\d+$/.test(text) ? Number(text) : text)
if (group !== '') process.setgid(id(group))
process.setuid(id(user))
const denied = needs.flatMap((need, index) => {
  const [mode, path] = [need.slice(0, need.indexOf(' ')), need.slice(need.indexOf(' ') + 1)]
  try { require('node:fs').accessSync(path, Number(mode)); return [] } catch (error) { return error.code === 'ENOENT' ? [] : [index] }
})
console.log(JSON.stringify(denied))
`

/** The needs that are not met. @throws Error if this process cannot become that user */
function findDenied(user: HarakaUser | undefined, needs: readonly Need[]): readonly Need[] {
  const isRoot = process.getuid?.() === 0
  if (isRoot && user !== undefined && user.user !== 0 && user.user !== 'root') {
    const words = [
      String(user.user),
      String(user.group ?? ''),
      ...needs.map(({ mode, path }) => `${mode} ${path}`),
    ]
    const output = execFileSync(process.execPath, ['-e', TRY_AS_USER, '--', ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
    })
    const numbers = JSON.parse(output) as readonly number[]
    return numbers.map((index) => needs[index]!)
  }
  return needs.filter(({ path, mode }) => {
    try {
      accessSync(path, mode)
      return false
    } catch (cause) {
      return (cause as NodeJS.ErrnoException).code !== 'ENOENT'
    }
  })
}

/** Is this process neither root nor that user? Then it cannot try. */
function isSomebodyElse(user: HarakaUser | undefined): boolean {
  const uid = process.getuid?.()
  return uid !== undefined && uid !== 0 && typeof user?.user === 'number' && user.user !== uid
}

/**
 * Can Haraka's user read the file and its secrets, and use the folders that it writes to?
 *
 * @param secrets the files that the configuration names
 */
export function checkRights(location: Location, secrets: readonly string[]): Finding[] {
  const { file, configFolder, harakaFolder } = location
  const user = findUser(location)
  const who = user === undefined ? 'this user' : `Haraka (${user.known})`
  if (isSomebodyElse(user)) {
    return [
      warning(
        `this user cannot find out whether ${who} can read the file`,
        'Run doctor as root, or as that user.',
      ),
    ]
  }
  const missing = secrets.filter((path) => !existsSync(path))
  if (missing.length > 0) {
    return missing.map((path) =>
      error(`${path} does not exist`, 'The file names it for a secret: make it, or correct the path.'),
    )
  }
  const read = constants.R_OK
  const use = constants.R_OK | constants.W_OK | constants.X_OK
  const needs: Need[] = [
    { path: configFolder, mode: constants.R_OK | constants.X_OK, what: 'enter' },
    { path: file, mode: read, what: 'read' },
    ...secrets.map((path) => ({ path, mode: read, what: 'read' })),
    { path: join(harakaFolder, STATE_FOLDER), mode: use, what: 'write to' },
    { path: queueFolderOf(location), mode: use, what: 'write to' },
  ].filter(({ path }) => existsSync(path))
  try {
    const denied = findDenied(user, needs)
    if (denied.length === 0) {
      const files = secrets.length === 0 ? '' : ` and ${formatCount(secrets.length, 'file')} of secrets`
      return [ok(`${who} can read the file${files}, and write to its folders`)]
    }
    return denied.map(({ path, what }) =>
      error(
        `${who} cannot ${what} ${path}`,
        `Give that user the right to it: see its owner and mode with ls -ld ${path}.`,
      ),
    )
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string }
    const why = (stderr ?? message).split('\n').find((line) => line.includes('Error')) ?? message
    return [
      error(
        `doctor cannot act as ${user?.known}: ${why.trim().replace(/^Error \[\w+\]: /, '')}`,
        'Correct user and group in smtp.ini.',
      ),
    ]
  }
}
