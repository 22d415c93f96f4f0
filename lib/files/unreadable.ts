import { AccessError, UsageError } from '../model/errors'

/** Why a file cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
      return 'this user may not read it'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
      return 'a part of its path is not a folder'
    case 'ENXIO':
      return 'it is not a regular file'
    case 'ELOOP':
      return 'its links lead back to it'
    case 'ENAMETOOLONG':
      return 'its name is too long'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

/** Did the system refuse this user? */
export const isRefused = (error: unknown): boolean =>
  ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')

/**
 * The error of a command that cannot read what it was asked about: a message, the queue.
 *
 * @param what as `the queue /srv/haraka/queue`
 */
export function unreadableError(what: string, error: unknown): AccessError | UsageError {
  const message = `cannot read ${what}: ${whyUnreadable(error)}`
  return isRefused(error) ? new AccessError(message) : new UsageError(message)
}
