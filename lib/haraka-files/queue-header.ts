import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { NOTES_KEY } from './notes'

/** Where the parts of a queue file lie, in bytes. */
export interface QueueFileLayout {
  /** Of the whole file. */
  readonly size: number
  /** Where the message begins. */
  readonly dataStart: number
}

/** What stands before the name of a file that is being written: Haraka (`outbound/qfile.js` `platformDOT`) removes it at its next start. */
const TEMPORARY = process.platform === 'win32' ? '.' : '__tmp__.'
/** A longer header is not a header: Haraka's have some hundred bytes for each recipient. */
export const LONGEST_HEADER = 64 * 1024 * 1024
const PREFIX = 4
const CHUNK = 256 * 1024

/**
 * Writes our notes into a file of Haraka's queue. Everything else of it stays as it is, the notes of other plugins too.
 *
 * At every moment the path leads to a whole file, the old one or the new one: the new one is written beside it, brought to the disk
 * and renamed over it. Who has the old one open goes on reading the old one.
 *
 * @param own our part of the notes, see `writeNotes`
 * @throws Error if the file is not one of Haraka's queue, or the disk is full; then it is as it was
 */
export async function replaceNotes(path: string, own: Record<string, unknown>): Promise<QueueFileLayout> {
  const temporary = join(dirname(path), `${TEMPORARY}${basename(path)}`)
  try {
    const layout = await copyQueueFile(path, temporary, (header) => setNotes(header, own), 'w')
    await rename(temporary, path)
    return layout
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/**
 * Writes a new file with the message of another and another header, and brings it to the disk. It has the mode of the other.
 *
 * @param change gives the header as an object, from the text of the other's
 * @param flags as `fs` has them. @default the new file must not be there
 * @throws Error if the file is not one of Haraka's queue, or the disk is full; then the new file may be there in part
 */
export async function copyQueueFile(
  from: string,
  to: string,
  change: (header: string) => object,
  flags: 'w' | 'wx' = 'wx',
): Promise<QueueFileLayout> {
  const source = await open(from, 'r')
  try {
    const { size, mode } = await source.stat()
    const header = await readHeader(source, size)
    const changed = buildHeader(change(header.text))
    const target = await open(to, flags, mode & 0o777)
    try {
      await writeWhole(target, changed)
      await copyRest(source, PREFIX + header.length, target)
      await target.sync()
    } finally {
      await target.close()
    }
    return { size: changed.length + size - PREFIX - header.length, dataStart: changed.length }
  } finally {
    await source.close()
  }
}

async function readHeader(file: FileHandle, size: number): Promise<{ text: string; length: number }> {
  const prefix = await readWhole(file, PREFIX, 0)
  const length = prefix.readUInt32BE(0)
  if (length > size - PREFIX || length > LONGEST_HEADER) throw new Error('it is not a queue file of Haraka')
  return { text: (await readWhole(file, length, PREFIX)).toString('utf8'), length }
}

function setNotes(header: string, own: Record<string, unknown>): object {
  const todo = JSON.parse(header) as { notes?: Record<string, unknown> }
  return { ...todo, notes: { ...todo.notes, [NOTES_KEY]: own } }
}

/** As Haraka 3.3.4 (`outbound/index.js` `build_todo`) writes it. */
function buildHeader(todo: object): Buffer {
  const header = Buffer.from(`\n${JSON.stringify(todo, null, '\t')}\n`)
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32BE(header.length)
  return Buffer.concat([prefix, header])
}

async function readWhole(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) throw new Error('it is not a queue file of Haraka')
    done += bytesRead
  }
  return bytes
}

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten
  }
}

async function copyRest(source: FileHandle, from: number, target: FileHandle): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let position = from; ;) {
    const { bytesRead } = await source.read(chunk, 0, chunk.length, position)
    if (bytesRead === 0) return
    await writeWhole(target, chunk.subarray(0, bytesRead))
    position += bytesRead
  }
}
