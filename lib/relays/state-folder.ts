import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  watch,
} from 'node:fs'
import { join } from 'node:path'
import { type Hold, isHoldFile, readHolds } from './holds'
import { PacedFile } from './paced-file'
import { formatSnapshot, HEARTBEAT_MS, isAlive, pidOfFile, snapshotFile, type Snapshot } from './snapshot'

/*
 * The folder through which the command line and the processes of a running server share the state of relays. Only the server's user
 * and root can enter it. No port is open, and a crash leaves nothing locked. The server creates the folder; the command line never does,
 * and changes neither its owner nor its mode.
 *
 *   hold.NAME      the relay is held by hand (JSON). Written and removed by the command; survives a restart.
 *   PID.json       what the process PID knows, written anew (rename) when it changes, see paced-file.ts. Holds no secret.
 *   quota.journal  what counts against max_per_hour, see quota-journal.ts.
 *   host-id        the server's name in Redis, and host-share its share of limits without Redis, see lib/redis.
 */

/** Its name in the Haraka folder. */
export const STATE_FOLDER = 'dns_overrides_state'

/** Time until a change is written, with all that changed meanwhile. */
const WRITE_DELAY_MS = 500
/** How often holds are checked, because they end by themselves, and because some systems do not report changes. */
const POLL_INTERVAL_MS = 5_000

/** The folder, for a process of the server. */
export interface StateFolder {
  /** The hold of a relay, unless it has ended. */
  readonly holdOf: (name: string) => Hold | undefined
  /** All holds, by name. */
  readonly holds: () => readonly Hold[]
  /** Sets the source of snapshots, and the function to call when holds have changed. Writes the first snapshot. */
  readonly publish: (take: () => Snapshot, onHolds: (holds: readonly Hold[]) => void) => void
  /** Something has changed: it is written soon. */
  readonly noteChange: () => void
  /** Writes the changes that are not yet written, and stops. */
  readonly close: () => void
}

export interface StateFolderOptions {
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly warn: (message: string) => void
  readonly pid?: number
}

/**
 * Creates the folder, for the user that the server will run as. Call it before privileges are dropped.
 *
 * @param owner user that the server will run as; absent: the folder keeps its owner
 * @throws Error as `fs` does
 */
export function prepareStateFolder(
  path: string,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  // Root does this: if there is a link in place of the folder, its target must not change its owner.
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

/** Opens the folder for a process of the server. If it cannot be used, that is logged once, and nothing is held or shown. */
export function openStateFolder(options: StateFolderOptions): StateFolder {
  return new LiveFolder(options)
}

class LiveFolder implements StateFolder {
  readonly #options: StateFolderOptions
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  readonly #watcher: { close(): void } | undefined
  #holds: ReadonlyMap<string, Hold> = new Map()
  #file: PacedFile | undefined
  #onHolds: ((holds: readonly Hold[]) => void) | undefined
  #written = 0

  constructor(options: StateFolderOptions) {
    this.#options = options
    this.#pid = options.pid ?? process.pid
    this.#lookForHolds()
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS).unref()
    this.#watcher = watchFolder(options.path, (file) => {
      if (file === null || isHoldFile(file)) this.#lookForHolds()
    })
  }

  holdOf(name: string): Hold | undefined {
    const hold = this.#holds.get(name)
    return hold !== undefined && (hold.until ?? Infinity) > this.#options.now() ? hold : undefined
  }

  holds(): readonly Hold[] {
    return [...this.#holds.keys()].sort().flatMap((name) => this.holdOf(name) ?? [])
  }

  publish(take: () => Snapshot, onHolds: (holds: readonly Hold[]) => void): void {
    const { path, now, warn } = this.#options
    this.#file = new PacedFile({
      folder: path,
      name: snapshotFile(this.#pid),
      delayMs: WRITE_DELAY_MS,
      format: () => {
        this.#written = now()
        return formatSnapshot(take(), this.#written)
      },
      onError: ({ message }) => warn(`the command line cannot show the relays: ${message}`),
    })
    this.#onHolds = onHolds
    if (this.#holds.size > 0) onHolds(this.holds())
    this.#file.write()
    this.#removeDead()
  }

  noteChange(): void {
    this.#file?.noteChange()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.#file?.noteChange()
    this.#file?.close()
    this.#file = undefined
  }

  #poll(): void {
    const { now } = this.#options
    const age = now() - this.#written
    // It is negative if the clock was set back.
    if (age >= HEARTBEAT_MS || age < 0) this.#file?.write()
    this.#lookForHolds()
    this.#removeDead()
  }

  #lookForHolds(): void {
    const { path, now } = this.#options
    const before = JSON.stringify([...this.#holds.values()])
    try {
      this.#holds = readHolds(path, now())
    } catch {
      // If the folder cannot be read (no descriptor left, for example), holds do not change.
      return
    }
    if (JSON.stringify([...this.#holds.values()]) === before) return
    this.#onHolds?.(this.holds())
    // It is written at once, because the command waits for it.
    this.#file?.write()
  }

  /** Removes snapshots of processes that are gone. */
  #removeDead(): void {
    const { path } = this.#options
    try {
      for (const file of readdirSync(path)) {
        const pid = pidOfFile(file.replace(/^new\./, ''))
        if (pid !== undefined && pid !== this.#pid && !isAlive(pid)) rmSync(join(path, file), { force: true })
      }
    } catch {
      // The next check tries it again.
    }
  }
}

/** If the system cannot watch the folder, there is only the poll. */
function watchFolder(path: string, listener: (file: string | null) => void): { close(): void } | undefined {
  try {
    const watcher = watch(path, { persistent: false }, (_event, file) => listener(file))
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
