import { readdirSync } from 'node:fs'
import { type Fields, isAmount, readList, readText } from '../model/foreign-json'
import { formatParts, readPart } from '../model/json-parts'
import { finish, type Steps } from '../model/steps'
import type { LimitStatus } from './limit-types'
import { readLines, requireFolder } from './private-file'
import type { ServerStatus } from './types'

/** A hold as a worker knows it: enough to distinguish it from another of the same name. */
export interface KnownHold {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/**
 * What a process of the server writes for the command line, after each change. There may be 10,000 servers, so they are made one by
 * one.
 */
export interface Snapshot {
  /** `worker`: sends mail. `master`: counts for the workers, and sends none. */
  readonly role: 'worker' | 'master'
  readonly servers: Iterable<ServerStatus>
  readonly holds: readonly KnownHold[]
  /** Only from the process that counts: how much of each limit all processes use together. */
  readonly limits?: Iterable<LimitStatus>
}

/** A snapshot as read back. */
export interface ProcessSnapshot extends Snapshot {
  readonly servers: readonly ServerStatus[]
  readonly limits?: readonly LimitStatus[]
  readonly pid: number
  /** When it was written, ms since the epoch. */
  readonly updated: number
}

/** Time after which a living process writes again at the latest. */
export const HEARTBEAT_MS = 60_000
/** Age at which a snapshot is from a dead process, even if another process has its id now. */
const DEAD_AFTER_MS = 180_000

/** The text of a snapshot, a line at a time. @param updated milliseconds since the epoch */
export function* formatSnapshot(
  { role, servers, holds, limits }: Snapshot,
  updated: number,
): Generator<string, void> {
  const lists = { servers, holds, ...(limits === undefined ? {} : { limits }) }
  for (const line of formatParts({ role, updated }, lists)) yield `${line}\n`
}

const FILE = /^([1-9]\d{0,9})\.json$/
const LARGEST_BYTES = 16 * 1024 * 1024
const MOST_ENTRIES = 20_000

export const snapshotFile = (pid: number): string => `${pid}.json`

/** The id of the process that wrote this file of the state folder. */
export function pidOfFile(file: string): number | undefined {
  const digits = FILE.exec(file)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * The snapshots of the living processes, by process id.
 *
 * @param now ms since the epoch
 * @throws Error as `fs` does, and if the folder is a link; an absent folder has none
 */
export const readSnapshots = (folder: string, now: number): ProcessSnapshot[] =>
  finish(readSnapshotsInSteps(folder, now))

/** As {@link readSnapshots}, in steps. */
export function* readSnapshotsInSteps(folder: string, now: number): Steps<ProcessSnapshot[]> {
  const snapshots: ProcessSnapshot[] = []
  for (const pid of listPids(folder)) {
    const snapshot = yield* readSnapshot(folder, pid)
    if (snapshot !== undefined && isLiving(snapshot, now)) snapshots.push(snapshot)
    yield
  }
  return snapshots
}

/** Was it written by a living process? @param now ms since the epoch */
export function isLiving({ pid, updated }: Pick<ProcessSnapshot, 'pid' | 'updated'>, now: number): boolean {
  return now - updated <= DEAD_AFTER_MS && isAlive(pid)
}

function listPids(folder: string): number[] {
  try {
    requireFolder(folder)
    return readdirSync(folder)
      .flatMap((file) => pidOfFile(file) ?? [])
      .sort((a, b) => a - b)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Is there a process with that id? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function* readSnapshot(folder: string, pid: number): Steps<ProcessSnapshot | undefined> {
  try {
    const servers: ServerStatus[] = []
    const holds: KnownHold[] = []
    const limits: LimitStatus[] = []
    let head: Fields | undefined
    yield* readLines(folder, snapshotFile(pid), LARGEST_BYTES, (line) => {
      const fields = readPart(line)
      if (fields === undefined) return
      head ??= fields
      servers.push(...readList(fields.servers, MOST_ENTRIES - servers.length, readServer))
      holds.push(...readList(fields.holds, MOST_ENTRIES - holds.length, readKnownHold))
      limits.push(...readList(fields.limits, MOST_ENTRIES - limits.length, readLimit))
    })
    if (head === undefined || !isAmount(head.updated)) return undefined
    return {
      pid,
      updated: head.updated,
      role: head.role === 'master' ? 'master' : 'worker',
      servers,
      holds,
      ...(Array.isArray(head.limits) ? { limits } : {}),
    }
  } catch {
    // It was removed meanwhile, or this program did not write it.
    return undefined
  }
}

function readServer(fields: Fields): ServerStatus | undefined {
  const { breaker, failures, held, connections, waiting, sentLastHour, retryAt } = fields
  const key = readText(fields.key)
  const name = readText(fields.name)
  const terms = readText(fields.terms)
  const lastFailure = readText(fields.lastFailure)
  if (key === undefined || typeof held !== 'boolean') return undefined
  if (breaker !== 'closed' && breaker !== 'open' && breaker !== 'half-open') return undefined
  if (!isAmount(failures) || !isAmount(connections) || !isAmount(sentLastHour)) return undefined
  return {
    key,
    ...(name === undefined ? {} : { name }),
    ...(terms === undefined ? {} : { terms }),
    breaker,
    failures,
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(isAmount(retryAt) ? { retryAt } : {}),
    held,
    connections,
    waiting: isAmount(waiting) ? waiting : 0,
    sentLastHour,
  }
}

function readKnownHold({ name, since }: Fields): KnownHold | undefined {
  return typeof name === 'string' && isAmount(since) ? { name, since } : undefined
}

function readLimit({ key, connections, sentLastHour }: Fields): LimitStatus | undefined {
  const text = readText(key)
  if (text === undefined || !isAmount(connections) || !isAmount(sentLastHour)) return undefined
  return { key: text, connections, sentLastHour }
}
