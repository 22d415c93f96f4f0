import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LongText } from '../model/long-text'
import { finish, type Steps } from '../model/steps'
import { LONGEST_CONFIGURATION, readTextInSteps } from './read-file'
import { whyUnreadable } from './unreadable'

/** The file's name. */
export const CONFIGURATION_NAME = 'dns_overrides.ini'

/** The file as messages call it: as seen from the Haraka folder. */
export const CONFIGURATION_PATH = `config/${CONFIGURATION_NAME}`

/** What is found where the configuration should be. */
export type ConfigurationSource =
  | { readonly kind: 'text'; readonly text: LongText; readonly digest: string }
  /**
   * The file is missing or empty. `why` is the end of a sentence that starts with the name of the file. `isMisnamed`: the folder has
   * a file with the wrong name, which Haraka does not read.
   */
  | { readonly kind: 'absent'; readonly why: string; readonly isMisnamed: boolean; readonly digest: string }
  | { readonly kind: 'unreadable'; readonly why: string; readonly digest: string }

/** A name that is taken for the right one: the plugin's own, with a hyphen. */
const WRONG_NAME = 'dns-overrides.ini'

/**
 * Reads the file, whatever stands there. Never throws. haraka-config says of a file that cannot be read that it is empty.
 *
 * @returns with `digest` the same for the same content or failure
 */
export function readConfigurationSource(path: string): ConfigurationSource {
  return finish(configurationSourceInSteps(path))
}

/** As {@link readConfigurationSource}, piece by piece: to read 10 MB at one go would hold up the mail of a server. */
export function* configurationSourceInSteps(path: string): Steps<ConfigurationSource> {
  const hash = createHash('sha256')
  try {
    const { text } = yield* readTextInSteps(path, LONGEST_CONFIGURATION, (chunk) => void hash.update(chunk))
    if (!text.some((part) => /\S/.test(part)))
      return { kind: 'absent', why: 'is empty', isMisnamed: false, digest: 'empty' }
    return { kind: 'text', text, digest: hash.digest('base64') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const why = `cannot be read: ${whyUnreadable(error)}`
      return { kind: 'unreadable', why, digest: why }
    }
    const isMisnamed = existsSync(join(dirname(path), WRONG_NAME))
    const why = isMisnamed ? `is missing, but config/${WRONG_NAME} is there: rename it` : 'is missing'
    return { kind: 'absent', why, isMisnamed, digest: why }
  }
}
