import { LONGEST_SECRET, readRegularFile } from '../files/read-file'
import type { SecretSources } from './types'

/**
 * The environment of this process and the files of this machine.
 *
 * @param missing whether a secret that cannot be read is an error: for what speaks to relays it is
 */
export function nodeSecretSources(missing: SecretSources['missing'] = 'error'): SecretSources {
  return {
    env: process.env,
    readFile: (path) => {
      const { bytes, mode } = readRegularFile(path, LONGEST_SECRET)
      return { text: bytes.toString('utf8'), mode }
    },
    missing,
  }
}
