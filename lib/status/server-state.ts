import { readHolds, type Hold } from '../relays/holds'
import type { LimitStatus } from '../relays/limit-types'
import { readSnapshots } from '../relays/snapshot'
import type { ServerStatus } from '../relays/types'
import { whyUnreadable } from '../source/unreadable'

/** What can be known of the running server. */
export type ServerState =
  /** It runs, and its workers report. */
  | (Holds & {
      readonly kind: 'running'
      /** Process ids of the workers. */
      readonly workers: readonly number[]
      /** What each worker reports of each server. */
      readonly servers: readonly ServerStatus[]
      /** What is counted over all workers. */
      readonly limits: readonly LimitStatus[]
    })
  /** None runs that uses the folder. */
  | (Holds & { readonly kind: 'none' })
  /** The folder cannot be read, for the reason given. */
  | { readonly kind: 'unknown'; readonly reason: string }

interface Holds {
  /** By name of the relay; they outlive a restart. */
  readonly holds: ReadonlyMap<string, Hold>
}

/** Why the state folder cannot be read, or written to, and what to do about it. */
export function whyNoAccess(folder: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== 'EACCES' && code !== 'EPERM') return `${whyUnreadable(error)}`
  return message.includes(folder)
    ? `this user may not enter ${folder}; try as root or as the user that runs Haraka`
    : message
}

/**
 * Reads what the running server reports of relays. Changes nothing, never throws.
 *
 * @param folder the state folder
 * @param now ms since the epoch
 */
export function readServerState(folder: string, now: number): ServerState {
  try {
    const holds = readHolds(folder, now)
    const snapshots = readSnapshots(folder, now)
    const workers = snapshots.filter(({ role }) => role === 'worker')
    if (workers.length === 0) return { kind: 'none', holds }
    return {
      kind: 'running',
      holds,
      workers: workers.map(({ pid }) => pid),
      servers: workers.flatMap(({ servers }) => servers),
      limits: snapshots.flatMap(({ limits }) => limits ?? []),
    }
  } catch (error) {
    return { kind: 'unknown', reason: whyNoAccess(folder, error) }
  }
}
