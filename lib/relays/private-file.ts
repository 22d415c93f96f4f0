import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { finish, type Steps } from '../model/steps'

/*
 * Files in a folder that another user may write to. Root reads and writes them too (the master process, the command line). So nothing
 * here follows a link, waits for a FIFO, or reads more than the given number of bytes.
 */

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_APPEND, O_WRONLY } = constants

/** How much {@link readLines} reads in one step, bytes. */
const CHUNK = 64 * 1024

/** A file that may be read, and how long it is. */
interface OpenFile {
  readonly file: number
  readonly size: number
}

/**
 * @returns undefined if there is no such file
 * @throws Error as `fs` does, and if it is not a regular file of at most `largestBytes`
 */
export function readSmallFile(folder: string, name: string, largestBytes: number): string | undefined {
  const open = openToRead(folder, name, largestBytes)
  if (open === undefined) return undefined
  const { file, size } = open
  try {
    const buffer = Buffer.alloc(size)
    let length = 0
    for (let read = -1; length < buffer.length && read !== 0; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}

/**
 * Hands each line of a file to `visit`, in steps. A file that does not exist has none.
 *
 * @throws Error as {@link readSmallFile}, and what `visit` throws
 */
export function* readLines(
  folder: string,
  name: string,
  largestBytes: number,
  visit: (line: string) => void,
): Steps<void> {
  const open = openToRead(folder, name, largestBytes)
  if (open === undefined) return
  const { file, size } = open
  try {
    const decoder = new StringDecoder('utf8')
    const buffer = Buffer.alloc(Math.min(CHUNK, size))
    /** The line that has begun, so far. */
    let pieces: string[] = []
    for (let left = size; left > 0;) {
      const length = readSync(file, buffer, 0, Math.min(buffer.length, left), null)
      if (length === 0) break
      left -= length
      for (const [index, piece] of decoder.write(buffer.subarray(0, length)).split('\n').entries()) {
        if (index > 0) {
          visit(pieces.join(''))
          pieces = []
        }
        pieces.push(piece)
      }
      yield
    }
    const last = pieces.join('') + decoder.end()
    if (last !== '') visit(last)
  } finally {
    closeSync(file)
  }
}

function openToRead(folder: string, name: string, largestBytes: number): OpenFile | undefined {
  requireFolder(folder)
  let file: number
  try {
    file = openSync(join(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new Error(`${join(folder, name)} is not a regular file`)
    if (stats.size > largestBytes)
      throw new Error(`${join(folder, name)} has more than ${largestBytes} bytes`)
    return { file, size: stats.size }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/**
 * Creates a file that only the owner of the folder can read, even if root creates it.
 *
 * @returns its descriptor, for appending
 * @throws Error as `fs` does
 */
export function createFile(folder: string, name: string, text: string, exclusive = false): number {
  const { uid, gid } = requireFolder(folder)
  const path = join(folder, name)
  // An existing file is never written to: it may be a link, or somebody else's file.
  if (!exclusive) rmSync(path, { force: true })
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    fchmodSync(file, 0o600)
    const made = fstatSync(file)
    // Root writes for the server's user. Only root may change the owner of a file.
    if (process.getuid?.() === 0 && (made.uid !== uid || made.gid !== gid)) fchownSync(file, uid, gid)
    writeFileSync(file, text)
    return file
  } catch (error) {
    closeSync(file)
    rmSync(path, { force: true })
    throw error
  }
}

/** Puts a file that was made with {@link createFile} in place of another. */
export function replaceFile(folder: string, from: string, to: string): void {
  requireFolder(folder)
  renameSync(join(folder, from), join(folder, to))
}

/** The name of a file while it is written. It must not begin like a file that is read, such as `hold.`. */
export const temporaryName = (name: string): string => `new.${name}`

/** Replaces a file at once: a reader sees the old text or the new one, never a part. */
export const overwriteFile = (folder: string, name: string, text: string): void =>
  finish(overwriteInSteps(folder, name, [text]))

/** As {@link overwriteFile}, in steps of one part each. */
export function* overwriteInSteps(folder: string, name: string, parts: Iterable<string>): Steps<void> {
  const temporary = temporaryName(name)
  const file = createFile(folder, temporary, '')
  try {
    for (const part of parts) {
      writeFileSync(file, part)
      yield
    }
  } finally {
    closeSync(file)
  }
  replaceFile(folder, temporary, name)
}

/**
 * @returns the folder's owner
 * @throws Error as `fs` does, and if it is a link or not a folder
 */
export function requireFolder(path: string): { readonly uid: number; readonly gid: number } {
  const stats = lstatSync(path)
  if (stats.isSymbolicLink()) throw new Error(`${path} is a link, which is not followed`)
  if (!stats.isDirectory()) throw new Error(`${path} is not a folder`)
  return stats
}
