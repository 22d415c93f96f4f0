import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../model/errors'
import { whyUnreadable } from '../files/unreadable'
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

/** What a search of the queue gives. */
export interface QueueSearch {
  readonly messages: readonly QueuedMessage[]
  /** Files that could not be read. */
  readonly unreadable: number
}

/**
 * Looks for messages of the queue. One that leaves it meanwhile is not in it.
 *
 * @throws UsageError if the folder cannot be read
 */
export function searchQueue(folder: string, isWanted: (message: QueuedMessage) => boolean): QueueSearch {
  const messages: QueuedMessage[] = []
  let unreadable = 0
  for (const name of listQueue(folder)) {
    try {
      const message = readQueueFile(join(folder, name))
      if (isWanted(message)) messages.push(message)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      unreadable++
    }
  }
  return { messages, unreadable }
}

/**
 * The file of a message that had this name once: each attempt changes the name, except for the time of arrival and the unique part.
 *
 * @throws UsageError if the folder cannot be read
 */
export function findByName(folder: string, name: string): string | undefined {
  const names = listQueue(folder)
  if (names.includes(name)) return join(folder, name)
  const [arrival, , , , unique] = name.split('_')
  const now = names.find((each) => {
    const parts = each.split('_')
    return unique !== undefined && parts[0] === arrival && parts[4] === unique
  })
  return now === undefined ? undefined : join(folder, now)
}

function listQueue(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => parseQueueName(name).nextAttempt !== undefined)
      .sort()
  } catch (error) {
    throw new UsageError(`cannot read the queue ${folder}: ${whyUnreadable(error)}`)
  }
}
