import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { DnsOverridesError } from '../model/errors'
import { type LongText, LongTextBuilder } from '../model/long-text'
import { finish, type Steps } from '../model/steps'

/** What stands at a path is not a file that can be read, or it is too large. The message says why, as the end of a sentence. */
class UnsuitableFileError extends DnsOverridesError {
  constructor(code: 'ENOTFILE' | 'EISDIR' | 'EFBIG', message: string) {
    super(message, { code, temporary: false })
  }
}

/** The content of a file. */
export interface FileContent {
  readonly bytes: Buffer
  /** Permission bits, such as 0o600. */
  readonly mode: number
}

/** The longest `dns_overrides.ini`, bytes: more than a million lines. */
export const LONGEST_CONFIGURATION = 64 * 1024 * 1024
/** The longest file with a secret, bytes. */
export const LONGEST_SECRET = 64 * 1024

const CHUNK = 64 * 1024

function sizeText(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`
}

/**
 * Opens what stands at a path, if it is a regular file (or a link to one), and closes it afterwards. A FIFO does not
 * block and a device is not read: opening is non-blocking, and the type is that of the open descriptor.
 *
 * @throws UnsuitableFileError if it is a folder, a FIFO, a socket or a device; else Error as `fs.openSync` does
 */
export function withRegularFile<T>(path: string, use: (descriptor: number, stats: Stats) => T): T {
  const descriptor = open(path)
  try {
    return use(descriptor, statsOf(descriptor))
  } finally {
    closeSync(descriptor)
  }
}

const open = (path: string) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)

function statsOf(descriptor: number): Stats {
  const stats = fstatSync(descriptor)
  if (stats.isDirectory()) throw new UnsuitableFileError('EISDIR', 'it is a folder')
  if (!stats.isFile()) throw new UnsuitableFileError('ENOTFILE', 'it is not a regular file')
  return stats
}

/**
 * Reads what stands at a path: a configuration, a secret, a list, a state file.
 *
 * @param limit bytes; a longer file is not read, and one that grows meanwhile is not read further
 * @throws UnsuitableFileError if it is longer or not a regular file; else Error as `fs.readFileSync` does
 */
export function readRegularFile(path: string, limit: number): FileContent {
  const chunks: Buffer[] = []
  const mode = finish(readInSteps(path, limit, (chunk) => void chunks.push(chunk)))
  return { bytes: Buffer.concat(chunks), mode }
}

/** A stream that the caller of this program has opened: `/dev/stdin`, or `/dev/fd/63`, which is `<(command)` in a shell. */
export const isDescriptorPath = (path: string): boolean =>
  /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/.test(path)

/**
 * Reads what a user names on the command line: as {@link readRegularFile}, or a stream of {@link isDescriptorPath} to its end.
 *
 * @throws as {@link readRegularFile}
 */
export function readNamedFile(path: string, limit: number): FileContent {
  if (!isDescriptorPath(path)) return readRegularFile(path, limit)
  const chunks: Buffer[] = []
  const descriptor = openSync(path, constants.O_RDONLY)
  try {
    const { mode } = fstatSync(descriptor)
    finish(readToEnd(descriptor, { size: CHUNK, limit, use: (chunk) => void chunks.push(chunk) }))
    return { bytes: Buffer.concat(chunks), mode: mode & 0o777 }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * As {@link readRegularFile}, piece by piece.
 *
 * @param use called with each piece, in order
 * @returns permission bits
 */
export function* readInSteps(path: string, limit: number, use: (chunk: Buffer) => void): Steps<number> {
  const descriptor = open(path)
  try {
    const stats = statsOf(descriptor)
    if (stats.size > limit) throw tooLarge(limit)
    yield* readToEnd(descriptor, { size: Math.min(stats.size + 1, CHUNK), limit, use })
    return stats.mode & 0o777
  } finally {
    closeSync(descriptor)
  }
}

/** A text file. */
export interface TextContent extends Omit<FileContent, 'bytes'> {
  /** Decoded as UTF-8. */
  readonly text: LongText
}

/**
 * The text of what stands at a path, piece by piece, as {@link readInSteps}.
 *
 * @param see called with the bytes of each piece, in order
 */
export function* readTextInSteps(
  path: string,
  limit: number,
  see: (chunk: Buffer) => void = () => {},
): Steps<TextContent> {
  const decoder = new StringDecoder('utf8')
  const text = new LongTextBuilder()
  const mode = yield* readInSteps(path, limit, (chunk) => {
    see(chunk)
    text.add(decoder.write(chunk))
  })
  text.add(decoder.end())
  return { text: text.build(), mode }
}

interface Reading {
  /** Of the first piece, bytes. It is only a hint: files of /proc say 0. */
  readonly size: number
  readonly limit: number
  readonly use: (chunk: Buffer) => void
}

function* readToEnd(descriptor: number, { size: first, limit, use }: Reading): Steps<void> {
  let length = 0
  for (let size = first; ; size = CHUNK) {
    const chunk = Buffer.allocUnsafe(size)
    const count = readSync(descriptor, chunk, 0, size, null)
    if (count === 0) return
    length += count
    if (length > limit) throw tooLarge(limit)
    use(chunk.subarray(0, count))
    yield
  }
}

const tooLarge = (limit: number) => new UnsuitableFileError('EFBIG', `it has more than ${sizeText(limit)}`)
