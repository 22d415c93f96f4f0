import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { toPrintable } from '../model/printable'
import { readSmallFile, overwriteFile, requireFolder } from './private-file'

/** A relay to which no mail goes until somebody resumes it. */
export interface Hold {
  /** The relay's name. */
  readonly name: string
  /** Since when, ms since the epoch. Distinguishes one hold from another of the same name. */
  readonly since: number
  /** When it ends by itself, ms since the epoch; absent: never. */
  readonly until?: number
  /** Why, on one line. */
  readonly reason?: string
}

/** The most characters of a reason that are kept. */
export const LONGEST_REASON = 200

const PREFIX = 'hold.'
/** A file name may have 255 bytes. */
const LONGEST_FILE_NAME = 200
const LARGEST_BYTES = 16 * 1024

/** Is this file of the state folder a hold? */
export const isHoldFile = (file: string): boolean => file.startsWith(PREFIX)

/** `hold.NAME`, as in a URL; a name too long for a file is hashed (no URL has `%` and `s` like that). */
function fileOf(name: string): string {
  const file = `${PREFIX}${encodeURIComponent(name)}`
  if (file.length <= LONGEST_FILE_NAME) return file
  return `${PREFIX}%sha256-${createHash('sha256').update(name).digest('hex')}`
}

/**
 * The holds of a state folder, by name. Holds that have ended are left out, and so are files that this program did not write.
 *
 * @param now ms since the epoch
 * @throws Error as `fs` does, and if the folder is a link; an absent folder holds nothing
 */
export function readHolds(folder: string, now: number): Map<string, Hold> {
  const holds = new Map<string, Hold>()
  for (const file of listHoldFiles(folder)) {
    const hold = readHold(folder, file)
    if (hold !== undefined && (hold.until ?? Infinity) > now) holds.set(hold.name, hold)
  }
  return holds
}

function listHoldFiles(folder: string): string[] {
  try {
    requireFolder(folder)
    return readdirSync(folder).filter(isHoldFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function readHold(folder: string, file: string): Hold | undefined {
  try {
    const text = readSmallFile(folder, file, LARGEST_BYTES)
    // Version 0.1 wrote empty files.
    if (text === '') return emptyHold(folder, file)
    const value: unknown = JSON.parse(text ?? 'null')
    if (typeof value !== 'object' || value === null) return undefined
    const { name, since, until, reason } = value as Record<string, unknown>
    if (typeof name !== 'string' || fileOf(name) !== file || name !== toPrintable(name)) return undefined
    return {
      name,
      since: typeof since === 'number' && isTime(since) ? since : 0,
      ...(typeof until === 'number' && isTime(until) ? { until } : {}),
      ...(typeof reason === 'string' && reason !== '' ? { reason: printableReason(reason) } : {}),
    }
  } catch {
    // It was removed meanwhile, or this program did not write it.
    return undefined
  }
}

function emptyHold(folder: string, file: string): Hold | undefined {
  const name = decodeURIComponent(file.slice(PREFIX.length))
  if (name !== toPrintable(name)) return undefined
  return { name, since: Math.floor(lstatSync(join(folder, file)).mtimeMs) }
}

/** Is it a time that a `Date` can show? */
const isTime = (value: number) => value >= 0 && value <= 8.64e15

const printableReason = (reason: string) => toPrintable(reason.trim(), { max: LONGEST_REASON })

/**
 * Writes a hold, in place of one that is there. It counts when the workers report it: see `awaitHold`.
 *
 * @throws Error as `fs` does, and if the folder is a link
 */
export function writeHold(folder: string, { name, since, until, reason }: Hold): void {
  const text = JSON.stringify({
    name,
    since,
    ...(until === undefined ? {} : { until }),
    ...(reason === undefined ? {} : { reason: printableReason(reason) }),
  })
  overwriteFile(folder, fileOf(name), `${text}\n`)
}

/**
 * @returns whether there was one
 * @throws Error as `fs` does, and if the folder is a link
 */
export function removeHold(folder: string, name: string): boolean {
  try {
    requireFolder(folder)
    unlinkSync(join(folder, fileOf(name)))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
