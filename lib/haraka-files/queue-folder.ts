import { existsSync, opendirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DnsOverridesError } from '../model/errors'
import { finish, type Steps } from '../model/steps'
import { unreadableError } from '../files/unreadable'
import { parseQueueName, readQueueFile, type QueuedMessage } from './queue-file'

/**
 * The folder of Haraka's queue (Haraka `outbound/queue.js`).
 *
 * @param harakaFolder the folder with which Haraka is started
 * @param setting content of `config/queue_dir`, if there is such a file
 */
export function findQueueFolder(harakaFolder: string, setting: string | undefined): string {
  const first = setting
    ?.split(/\r?\n/)
    .find((line) => !/^\s*(?:[;#].*)?$/.test(line))
    ?.trim()
  return resolve(harakaFolder, first ?? 'queue')
}

/** What a look into the queue gives. */
export interface QueueSearch {
  readonly messages: readonly QueuedMessage[]
  /** Files that could not be read. */
  readonly unreadable: number
}

/**
 * Reads files of the queue, one a step, and keeps those that are wanted. One that leaves the queue meanwhile is not in it.
 *
 * @param names of the files
 */
export function* readQueue(
  folder: string,
  names: readonly string[],
  isWanted: (message: QueuedMessage) => boolean,
): Steps<QueueSearch> {
  const messages: QueuedMessage[] = []
  let unreadable = 0
  for (const name of names) {
    try {
      const message = readQueueFile(join(folder, name))
      if (isWanted(message)) messages.push(message)
    } catch (error) {
      if (!(error instanceof DnsOverridesError)) throw error
      unreadable++
    }
    yield
  }
  return { messages, unreadable }
}

/** The name that a file of the queue has now: each attempt changes it, except for the time of arrival and the unique part. */
export function findSuccessor(names: readonly string[], name: string): string | undefined {
  if (names.includes(name)) return name
  const [arrival, , , , unique] = name.split('_')
  if (unique === undefined) return undefined
  return names.find((each) => each.startsWith(`${arrival}_`) && each.split('_')[4] === unique)
}

/** As {@link findSuccessor}, for a path; the same path if no file has come after it. @throws as {@link listQueue} */
export function currentPath(path: string): string {
  if (existsSync(path) || parseQueueName(basename(path)).nextAttempt === undefined) return path
  const folder = dirname(path)
  return join(folder, findSuccessor(finish(listQueue(folder)), basename(path)) ?? basename(path))
}

/** Names of one step. */
const STEP = 256

/** The names of the files of the queue, in no order. @throws as {@link unreadableError} if the folder cannot be read */
export function* listQueue(folder: string): Steps<readonly string[]> {
  const names: string[] = []
  try {
    const directory = opendirSync(folder, { bufferSize: STEP })
    try {
      for (let read = 1; ; read++) {
        const entry = directory.readSync()
        if (entry === null) return names
        if (parseQueueName(entry.name).nextAttempt !== undefined) names.push(entry.name)
        if (read % STEP === 0) yield
      }
    } finally {
      directory.closeSync()
    }
  } catch (error) {
    throw unreadableError(`the queue ${folder}`, error)
  }
}
