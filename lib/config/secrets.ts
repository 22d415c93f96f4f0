import { readFileSync, fstatSync, openSync, closeSync } from 'node:fs'
import type { SecretSources } from './types'

/** The environment of this process and the files of this machine. */
export function nodeSecretSources(): SecretSources {
  return {
    env: process.env,
    readFile: (path) => {
      // One descriptor, so that the permissions are those of the file that was read.
      const descriptor = openSync(path, 'r')
      try {
        return { mode: fstatSync(descriptor).mode & 0o777, text: readFileSync(descriptor, 'utf8') }
      } finally {
        closeSync(descriptor)
      }
    },
  }
}
