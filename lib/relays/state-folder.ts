import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ServerStatus } from './types'

/*
 * How the command line and the workers of a running server tell each other of relays: files in one folder that only the
 * server's user (and root) can enter. No port is open, and a crash leaves nothing locked.
 *
 *   hold.NAME    an empty file: the relay is held by hand. Made and removed by the command; survives a restart.
 *   PID.json     what the worker PID knows, written anew (rename) when it changes. Holds no secret.
 */

/** Its name in the Haraka folder. */
export const STATE_FOLDER = 'dns_overrides_state'

/** A change is written after so long, with all that changed since. Milliseconds. */
const WRITE_DELAY = 500
/** Holds are looked at this often where the system does not tell of changes. */
const POLL_INTERVAL = 5_000
/** A living worker writes at least this often. */
const HEARTBEAT = 60_000
/** A snapshot of that age is of a dead worker, whoever has its process id now. */
const DEAD_AFTER = 180_000
/** What is older says nothing any more, not even of quotas. */
const FORGET_AFTER = 3_600_000

/** What a worker writes. */
export interface Snapshot {
  readonly servers: readonly ServerStatus[]
  /** Time and number of messages sent in the last hour, by server. */
  readonly sent: Readonly<Record<string, readonly (readonly [at: number, amount: number])[]>>
}

/** A worker's snapshot as read back. */
export interface WorkerSnapshot extends Snapshot {
  readonly pid: number
  /** Written at, ms since the epoch. */
  readonly updated: number
}

/** The folder, as a worker sees it. */
export interface StateFolder {
  readonly held: (name: string) => boolean
  /** This worker's place among those alive, from 0; undefined if unknown. */
  readonly rank: () => number | undefined
  /** What a worker that is gone had sent: it counts on against the quota. */
  readonly inherited: readonly {
    readonly key: string
    readonly sent: readonly (readonly [number, number])[]
  }[]
  /** Says where snapshots come from, and who wants to know which relays are held, when that changes. */
  readonly publish: (take: () => Snapshot, onHolds: (names: readonly string[]) => void) => void
  /** Something changed: it will be written soon. */
  readonly changed: () => void
  /** Writes what is not yet written, and stops. */
  readonly close: () => void
}

export interface StateFolderOptions {
  readonly path: string
  readonly now: () => number
  readonly warn: (message: string) => void
  readonly pid?: number
}

/**
 * Makes the folder, for the user that the server will run as. To be called before privileges are dropped.
 *
 * @throws Error as `fs` does
 */
export function prepareStateFolder(
  path: string,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  // Root does this: a link that stands in the place of the folder must not give away what it points to.
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const stats = fstatSync(folder)
    if ((stats.mode & 0o777) !== 0o700) fchmodSync(folder, 0o700)
    if (owner !== undefined && (stats.uid !== owner.uid || stats.gid !== owner.gid)) {
      fchownSync(folder, owner.uid, owner.gid)
    }
  } finally {
    closeSync(folder)
  }
}

const HOLD = 'hold.'
const SNAPSHOT = /^(\d+)\.json$/

/** Names of the relays that are held, with since when (ms since the epoch). An absent folder holds none. */
export function readHolds(path: string, files: readonly string[] = list(path)): Map<string, number> {
  const holds = new Map<string, number>()
  for (const file of files) {
    if (!file.startsWith(HOLD)) continue
    try {
      holds.set(decodeURIComponent(file.slice(HOLD.length)), statSync(join(path, file)).mtimeMs)
    } catch {
      // Removed meanwhile, or no name that was ever written here.
    }
  }
  return holds
}

/**
 * Holds or resumes a relay. Workers see it at once.
 *
 * @returns whether that changed anything
 * @throws Error as `fs` does, where the folder is absent or not ours
 */
export function setHold(path: string, name: string, held: boolean): boolean {
  const file = join(path, `${HOLD}${encodeURIComponent(name)}`)
  try {
    // `wx` makes a file or fails, and never follows a link that somebody put there.
    if (held) closeSync(openSync(file, 'wx', 0o644))
    else unlinkSync(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === (held ? 'EEXIST' : 'ENOENT')) {
      // ENOENT may also mean that there is no folder to be resumed in, which comes to the same.
      return false
    }
    throw error
  }
}

/** The snapshots of the workers that live. Removes those that say nothing any more. */
export function readSnapshots(path: string, now: number): WorkerSnapshot[] {
  return snapshots(path).filter((snapshot) => {
    if (alive(snapshot, now)) return true
    if (now - snapshot.updated > FORGET_AFTER) remove(join(path, `${snapshot.pid}.json`))
    return false
  })
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function snapshots(path: string): WorkerSnapshot[] {
  return list(path).flatMap((file) => {
    const pid = SNAPSHOT.exec(file)?.[1]
    if (pid === undefined) return []
    try {
      const value = JSON.parse(readFileSync(join(path, file), 'utf8')) as Partial<WorkerSnapshot>
      const { updated, servers, sent } = value
      if (typeof updated !== 'number' || !Array.isArray(servers)) return []
      return [{ pid: Number(pid), updated, servers, sent: readCounts(sent) }]
    } catch {
      return []
    }
  })
}

/** Counts of messages as they were written; what was never written so (by another version, by hand) is left out. */
function readCounts(value: unknown): Snapshot['sent'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const isCount = (pair: unknown): pair is [number, number] =>
    Array.isArray(pair) && pair.length === 2 && pair.every((each) => Number.isFinite(each) && each >= 0)
  return Object.fromEntries(
    Object.entries(value).map(([key, counts]: [string, unknown]) => [
      key,
      Array.isArray(counts) ? counts.filter(isCount) : [],
    ]),
  )
}

function alive({ pid, updated }: WorkerSnapshot, now: number): boolean {
  if (now - updated > DEAD_AFTER) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** @returns whether it was there and we are the one who removed it */
function remove(file: string): boolean {
  try {
    unlinkSync(file)
    return true
  } catch {
    return false
  }
}

/** Takes over the count of one worker that is gone: its own process id's first, each by one successor only. */
function inherit(path: string, pid: number, now: number): StateFolder['inherited'] {
  const dead = snapshots(path)
    .filter((snapshot) => snapshot.pid === pid || !alive(snapshot, now))
    .sort((a, b) => Number(b.pid === pid) - Number(a.pid === pid) || a.pid - b.pid)
  for (const snapshot of dead) {
    const old = now - snapshot.updated > FORGET_AFTER
    if (!remove(join(path, `${snapshot.pid}.json`)) || old) continue
    return Object.entries(snapshot.sent).map(([key, sent]) => ({ key, sent }))
  }
  return []
}

/**
 * Opens the folder for a worker. A folder that cannot be used is said once; then nothing is held or shown.
 */
export function openStateFolder({ path, now, warn, pid = process.pid }: StateFolderOptions): StateFolder {
  let holds: ReadonlyMap<string, number> = new Map()
  let rank: number | undefined
  let take: (() => Snapshot) | undefined
  let tell: ((names: readonly string[]) => void) | undefined
  let written = 0
  let broken = false
  let pending: NodeJS.Timeout | undefined

  const write = () => {
    clearTimeout(pending)
    pending = undefined
    if (take === undefined) return
    written = now()
    const file = join(path, `${pid}.json`)
    try {
      const text = JSON.stringify({ ...take(), updated: written })
      writeFileSync(`${file}.new`, text, { mode: 0o600 })
      renameSync(`${file}.new`, file)
      broken = false
    } catch (error) {
      // A full disk is empty again some day: tried with the next change, and said once.
      if (broken) return
      broken = true
      warn(`relays cannot be shown by the command line: ${(error as Error).message}`)
    }
  }
  const listNow = (): readonly string[] | undefined => {
    try {
      return readdirSync(path)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : undefined
    }
  }
  const lookForHolds = () => {
    const before = [...holds.keys()].sort()
    const files = listNow()
    // What cannot be seen (no descriptor left, say) is no reason to let go of what is held.
    if (files === undefined) return
    holds = readHolds(path, files)
    const names = [...holds.keys()].sort()
    if (names.join('\n') !== before.join('\n')) tell?.(names)
  }
  const look = () => {
    lookForHolds()
    const pids = readSnapshots(path, now()).map((snapshot) => snapshot.pid)
    const place = pids.sort((a, b) => a - b).indexOf(pid)
    rank = place < 0 ? undefined : place
  }
  const poll = () => {
    if (now() - written >= HEARTBEAT) write()
    look()
  }

  const inherited = inherit(path, pid, now())
  look()
  const timer = setInterval(poll, POLL_INTERVAL).unref()
  const watcher = watchFolder(path, (file) => {
    if (file === null || file.startsWith(HOLD)) lookForHolds()
  })
  return {
    held: (name) => holds.has(name),
    rank: () => rank,
    inherited,
    publish: (source, onHolds) => {
      take = source
      tell = onHolds
      if (holds.size > 0) onHolds([...holds.keys()].sort())
      write()
      look()
    },
    changed: () => {
      pending ??= setTimeout(write, WRITE_DELAY).unref()
    },
    close: () => {
      clearInterval(timer)
      watcher?.close()
      write()
      take = undefined
    },
  }
}

/** Where the system cannot watch, the poll does it alone. */
function watchFolder(path: string, listener: (file: string | null) => void): { close(): void } | undefined {
  try {
    const watcher = watch(path, { persistent: false }, (_event, file) => listener(file))
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
