import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { parseQueueName } from './queue-file'

/*
 * How one message of the queue becomes several, so that every recipient gets it exactly once, whatever is killed in between.
 * The parts are made in a folder of their own. It is in the queue folder, so that it is on the same file system, and Haraka 3.1 to 3.3
 * (`outbound/queue.js` `read_parts`) leaves what begins with `error.` alone.
 *
 *   QUEUE/error.dns_overrides_division.PID.ID/    made by the process PID
 *     NAME                                     a part, under the name that it will have in the queue
 *     original                                 the message that was divided
 *
 *   1. The parts are written and brought to the disk.
 *   2. The message is renamed to `original`. From this moment on the parts count, and not the message.
 *   3. Each part is renamed into the queue.
 *   4. `original` and the folder are removed.
 *
 * What a killed process leaves is undone if step 2 was not made, and else brought to its end.
 */

const PREFIX = 'error.dns_overrides_division.'
/** The same folder while an interrupted division is finished. */
const RECOVERY = 'error.dns_overrides_recovery.'
const NAME = /^error\.dns_overrides_(?:division|recovery)\.((\d+)\..*)$/
const ORIGINAL = 'original'

/** The folder of one division. */
export interface DivisionFolder {
  readonly path: string
  /** Haraka's queue folder. */
  readonly queue: string
}

/**
 * Makes the folder of one division.
 *
 * @param id what no other division of this process has
 * @throws Error as `fs` does
 */
export function createDivisionFolder(queue: string, pid: number, id: string): DivisionFolder {
  const path = join(queue, `${PREFIX}${pid}.${id}`)
  mkdirSync(path, 0o700)
  return { path, queue }
}

/** Step 2. All parts must be written. @throws Error as `fs` does; then the message is where it was, if it was there */
export function commitDivision({ path }: DivisionFolder, message: string): void {
  try {
    renameSync(message, join(path, ORIGINAL))
  } catch (error) {
    // A file server may have done it, though its answer to the first of two requests was lost.
    if (!hasFile(path, ORIGINAL)) throw error
  }
}

/**
 * Step 3, as far as it is not made yet.
 *
 * @returns the names of the parts that are in the queue now and were not before, and why another is not
 */
export function moveParts({ path, queue }: DivisionFolder): {
  readonly moved: readonly string[]
  readonly error?: Error
} {
  const moved: string[] = []
  try {
    for (const name of readdirSync(path).filter(isPart)) {
      renameSync(join(path, name), join(queue, name))
      moved.push(name)
    }
    return { moved }
  } catch (error) {
    return { moved, error: error as Error }
  }
}

/** Step 4. @throws Error as `fs` does */
export function endDivision({ path }: DivisionFolder): void {
  unlinkSync(join(path, ORIGINAL))
  rmdirSync(path)
}

/** Removes the parts of a division that was not committed, and the folder. @throws Error as `fs` does */
export function undoDivision({ path }: DivisionFolder): void {
  for (const name of readdirSync(path).filter(isPart)) unlinkSync(join(path, name))
  rmdirSync(path)
}

/** Brings the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What became of a division whose process has ended. */
export interface RecoveredDivision {
  /** `undone`: the message is in the queue as it was. `completed`: its parts are. */
  readonly end: 'undone' | 'completed' | 'failed'
  readonly folder: string
  readonly error?: Error
}

/**
 * Ends what processes have left in the middle. To be called before Haraka reads the queue folder. Does nothing where there is no queue
 * folder yet.
 *
 * @param pid the process whose divisions these are; absent: all that are there
 */
export function recoverDivisions(queue: string, pid?: number): readonly RecoveredDivision[] {
  return listFolders(queue).flatMap((name): readonly RecoveredDivision[] => {
    const [, rest, owner] = NAME.exec(name) ?? []
    if (rest === undefined || (pid !== undefined && Number(owner) !== pid)) return []
    const folder = { path: join(queue, `${RECOVERY}${rest}`), queue }
    try {
      // Under another name no process that is not quite dead yet can commit it.
      renameSync(join(queue, name), folder.path)
      return [{ end: recover(folder), folder: folder.path }]
    } catch (error) {
      return [{ end: 'failed', folder: folder.path, error: error as Error }]
    }
  })
}

function recover(folder: DivisionFolder): 'undone' | 'completed' {
  if (!hasFile(folder.path, ORIGINAL)) {
    undoDivision(folder)
    return 'undone'
  }
  const { error } = moveParts(folder)
  if (error !== undefined) throw error
  endDivision(folder)
  return 'completed'
}

/** Root may do this in a folder of another user: a link does not count. */
function listFolders(queue: string): readonly string[] {
  try {
    return readdirSync(queue, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const isPart = (name: string) => parseQueueName(name).nextAttempt !== undefined

const hasFile = (...path: readonly string[]) =>
  statSync(join(...path), { throwIfNoEntry: false }) !== undefined
