import { eachInSteps, finish, type Steps } from '../model/steps'
import { readHolds, type Hold } from '../relays/holds'
import type { LimitStatus } from '../relays/limit-types'
import { readSnapshotsInSteps } from '../relays/snapshot'
import type { ServerStatus } from '../relays/types'
import type { Facts } from './facts'
import { whyUnreadable } from '../files/unreadable'

/** What can be known of the running server. */
export type ServerState =
  /** It runs, and its workers report. */
  | (Holds & {
      readonly kind: 'running'
      /** Process ids of the workers. */
      readonly workers: readonly number[]
      /** What each worker reports of each server. */
      readonly servers: readonly ServerStatus[]
      /** What the workers report of one server, `terms` as in {@link ServerStatus}. */
      readonly reportsOf: (key: string, terms?: string) => readonly ServerStatus[]
      /** What is counted over all workers under a key. */
      readonly limitOf: (key: string) => LimitStatus | undefined
      /** Messages that wait for a section without an attempt being counted; absent: that is not known. */
      readonly waitingAt?: (key: string) => number
    })
  /** None runs that uses the folder. */
  | (Holds & { readonly kind: 'none' })
  /** The folder cannot be read, for the reason given. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** A server that runs, and what its workers report. */
export type RunningServer = Extract<ServerState, { readonly kind: 'running' }>

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
export const readServerState = (folder: string, now: number): ServerState =>
  finish(readServerStateInSteps(folder, now))

/** As {@link readServerState}, in steps. */
export function* readServerStateInSteps(folder: string, now: number): Steps<ServerState> {
  try {
    const holds = readHolds(folder, now)
    const snapshots = yield* readSnapshotsInSteps(folder, now)
    const workers = snapshots.filter(({ role }) => role === 'worker')
    if (workers.length === 0) return { kind: 'none', holds }
    const servers = workers.flatMap((worker) => worker.servers)
    const reports = yield* indexReports(servers)
    const limits = new Map<string, LimitStatus>()
    for (const each of snapshots) {
      yield* eachInSteps(each.limits ?? [], (limit) => void limits.set(limit.key, limit))
    }
    return {
      kind: 'running',
      holds,
      workers: workers.map(({ pid }) => pid),
      servers,
      reportsOf: (key, terms) => reports.get(reportKey(key, terms)) ?? [],
      limitOf: (key) => limits.get(key),
    }
  } catch (error) {
    return { kind: 'unknown', reason: whyNoAccess(folder, error) }
  }
}

/** Adds what the facts of the same server say of messages that wait. */
export function withWaiting(state: ServerState, facts: Facts | undefined): ServerState {
  if (state.kind !== 'running' || facts === undefined) return state
  const counts = new Map<string, number>()
  for (const [key, count] of facts.workers.flatMap(({ waitingAt }) => Object.entries(waitingAt)))
    counts.set(key, (counts.get(key) ?? 0) + count)
  return { ...state, waitingAt: (key) => counts.get(key) ?? 0 }
}

const reportKey = (key: string, terms = '') => `${terms}\n${key}`

function* indexReports(
  servers: readonly ServerStatus[],
): Steps<ReadonlyMap<string, readonly ServerStatus[]>> {
  const index = new Map<string, ServerStatus[]>()
  yield* eachInSteps(servers, (report) => {
    const key = reportKey(report.key, report.terms)
    const known = index.get(key)
    if (known === undefined) index.set(key, [report])
    else known.push(report)
  })
  return index
}
