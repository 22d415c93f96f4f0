import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isOwnName, parsePluginList } from '../../haraka-files/plugin-list'
import { packageVersion } from '../../files/package-version'
import { readRegularFile } from '../../files/read-file'
import { whyUnreadable } from '../../files/unreadable'
import type { Location } from '../shared/location'
import { error, ok, warning, type Finding } from './finding'

const PACKAGE = 'haraka-plugin-dns-overrides'
/** Bytes. */
const LONGEST_LIST = 1024 * 1024

/** Is the plugin named in `config/plugins`, and can Haraka find it? */
export function checkInstallation(location: Location): Finding[] {
  return [checkPluginList(location), ...checkPackage(location)]
}

function checkPluginList({ configFolder }: Location): Finding {
  const list = join(configFolder, 'plugins')
  const advice = `Write dns-overrides on a line of its own in ${list}, and restart Haraka.`
  try {
    const names = parsePluginList(readRegularFile(list, LONGEST_LIST).bytes.toString('utf8'))
    return names.some(isOwnName)
      ? ok(`${list} names dns-overrides`)
      : error(`${list} does not name dns-overrides, so Haraka does not load it`, advice)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      return error(
        `there is no ${list}`,
        `Name the Haraka folder with --config or HARAKA. If it is the right one: ${advice}`,
      )
    }
    return error(
      `${list} cannot be read: ${whyUnreadable(cause)}`,
      code === 'EACCES'
        ? 'Run doctor as root, or as the user that runs Haraka.'
        : 'It has to be a text file with the name of a plugin on each line.',
    )
  }
}

/** Where Haraka looks for a plugin in its folder (Haraka `plugins.js`): a package may also stand beside Haraka itself. */
function checkPackage({ harakaFolder }: Location): Finding[] {
  const folder = join(harakaFolder, 'node_modules', PACKAGE)
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) {
    return [
      warning(
        `${folder} does not exist`,
        `Run npm install ${PACKAGE} in ${harakaFolder}, unless it is installed beside Haraka itself.`,
      ),
    ]
  }
  try {
    const { version } = JSON.parse(readRegularFile(manifest, LONGEST_LIST).bytes.toString('utf8')) as {
      version?: unknown
    }
    const own = packageVersion()
    if (typeof version !== 'string' || version === own) return [ok(`${PACKAGE} ${own} is installed`)]
    return [
      warning(
        `Haraka has version ${version} of ${PACKAGE}, and this command is of version ${own}`,
        `In ${harakaFolder}, run npx dns-overrides: it is of Haraka's version.`,
      ),
    ]
  } catch (cause) {
    return [
      warning(`${manifest} cannot be read: ${whyUnreadable(cause)}`, `Run npm install in ${harakaFolder}.`),
    ]
  }
}
