import { existsSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { parseQueueName, readQueueFile, type QueuedMessage } from '../../haraka-files/queue-file'
import { findByName, searchQueue } from '../../haraka-files/queue-folder'
import { UsageError } from '../../model/errors'
import { stripBrackets } from '../../rules/message-spec'
import type { AttemptEntry, Facts } from '../../status/facts'
import { groupById, isMeant, type Story } from '../../status/story'

/** Which messages are meant. */
export type Asked =
  | { readonly kind: 'id'; readonly id: string }
  /** The path of a queue file. */
  | { readonly kind: 'file'; readonly path: string }
  /** The bare name of a queue file, which may have another by now. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'recipient'; readonly address: string }

/** As Haraka makes them: a UUID, and the numbers of transaction and delivery. */
const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:\.\d+)*$/i

/** @throws UsageError if it is not clear which */
export function readAsked(word: string | undefined, address: string | undefined, cwd: string): Asked {
  if (word !== undefined && address !== undefined) throw new UsageError('why: ID or --to, not both')
  if (address !== undefined) return { kind: 'recipient', address: stripBrackets(address).toLowerCase() }
  if (word === undefined) throw new UsageError('why: ID is missing, and there is no --to')
  if (ID.test(word)) return { kind: 'id', id: word }
  const path = resolve(cwd, word)
  if (word.includes(sep) || existsSync(path)) return { kind: 'file', path }
  if (parseQueueName(word).nextAttempt !== undefined) return { kind: 'name', name: word }
  throw new UsageError(`why: "${word}" is neither an id as in the log nor a file of the queue`)
}

/** Where messages are looked for. */
export interface Sources {
  readonly queueFolder: string
  /** Undefined: no server runs, or it cannot be asked. */
  readonly facts: Facts | undefined
}

/** What was found. */
export interface Found {
  /** Those of the queue, oldest first; then those that are no longer there, newest first. */
  readonly stories: readonly Story[]
  /** Files of the queue that could not be read. */
  readonly unreadable: number
}

/** @throws UsageError if the queue, or the file that is meant, cannot be read */
export function findStories(asked: Asked, { queueFolder, facts }: Sources): Found {
  const attempts = facts?.attempts ?? []
  switch (asked.kind) {
    case 'file':
      return ofFile(readQueueFile(asked.path), attempts)
    case 'name': {
      const path = findByName(queueFolder, asked.name)
      if (path !== undefined) return ofFile(readQueueFile(path), attempts)
      throw new UsageError(
        `why: ${asked.name} is not in ${queueFolder}: it is delivered, bounced or removed; Haraka's log has it as "file"`,
      )
    }
    case 'id':
      return search(
        queueFolder,
        attempts,
        ({ id }) => isMeant(id, asked.id),
        ({ id }) => isMeant(id, asked.id),
      )
    case 'recipient':
      return search(
        queueFolder,
        attempts,
        ({ recipients }) => recipients.some((each) => each.toLowerCase() === asked.address),
        ({ recipient }) => recipient.toLowerCase() === asked.address,
      )
    default:
      return asked satisfies never
  }
}

function ofFile(queued: QueuedMessage, attempts: readonly AttemptEntry[]): Found {
  const entries = attempts.filter(({ id }) => id !== '' && id === queued.id)
  return { stories: [{ id: queued.id, queued, entries }], unreadable: 0 }
}

function search(
  queueFolder: string,
  attempts: readonly AttemptEntry[],
  isQueuedWanted: (message: QueuedMessage) => boolean,
  isAttemptWanted: (attempt: AttemptEntry) => boolean,
): Found {
  const { messages, unreadable } = searchQueue(queueFolder, isQueuedWanted)
  const waiting = messages.flatMap((queued) => ofFile(queued, attempts).stories)
  const known = new Set(waiting.map(({ id }) => id))
  const finished = [...groupById(attempts, isAttemptWanted)]
    .filter(([id]) => !known.has(id))
    .map(([id, entries]): Story => ({ id, entries }))
  return { stories: [...waiting, ...finished], unreadable }
}
