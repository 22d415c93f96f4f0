import { basename, join } from 'node:path'
import { parseQueueName, readQueueFile, type QueuedMessage } from '../haraka-files/queue-file'
import { findSuccessor, listQueue, readQueue } from '../haraka-files/queue-folder'
import type { Steps } from '../model/steps'
import { domainOf, stripBrackets } from '../rules/message-spec'
import type { DecisionEntry, Facts } from './facts'
import { groupById, isMeant, type Story } from './story'

/** Which messages are meant. */
export type Asked =
  | { readonly kind: 'id'; readonly id: string }
  /** The bare name of a queue file, which may have another by now. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'recipient'; readonly address: string }

/** As Haraka makes them: a UUID, and the numbers of transaction and delivery. */
const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:\.\d+)*$/i

/** The recipient that is asked for. */
export const askedRecipient = (address: string): Asked => ({
  kind: 'recipient',
  address: foldAddress(stripBrackets(address)),
})

/** The same for addresses that differ only in case, or in how their domain is written: with U-labels or A-labels (RFC 5891). */
function foldAddress(address: string): string {
  const user = address.slice(0, address.lastIndexOf('@') + 1)
  return (user + (domainOf(address) ?? address.slice(user.length))).toLowerCase()
}

/** What a word may mean: an id, also in the brackets of the log, or the name of a queue file; undefined: neither. */
export function readAskedWord(word: string): Asked | undefined {
  const id = /^\[(.*)\]$/.exec(word)?.[1] ?? word
  if (ID.test(id)) return { kind: 'id', id }
  return parseQueueName(word).nextAttempt === undefined ? undefined : { kind: 'name', name: word }
}

/** Where messages are looked for. */
export interface StorySources {
  readonly queueFolder: string
  /** Undefined: no server runs, or it cannot be asked. */
  readonly facts: Facts | undefined
  /** Files of the queue that are read at most. */
  readonly mostFiles: number
}

/** What was found. */
export interface FoundStories {
  /** Those of the queue, oldest first; then those that are no longer there, newest first. */
  readonly stories: readonly Story[]
  /** Files of the queue that could not be read. */
  readonly unreadable: number
  /** Files of the queue that were not looked at, because there are too many. */
  readonly unread: number
}

/** Looks for messages in the queue and among the last decisions. @throws UsageError or AccessError if the queue cannot be read */
export function* findStories(asked: Asked, sources: StorySources): Steps<FoundStories> {
  const { queueFolder, facts } = sources
  const decisions = facts?.decisions ?? []
  const names = yield* listQueue(queueFolder)
  switch (asked.kind) {
    case 'name': {
      const name = findSuccessor(names, asked.name)
      return {
        stories: name === undefined ? [] : storyOfFile(join(queueFolder, name), decisions),
        unreadable: 0,
        unread: 0,
      }
    }
    case 'id':
      return yield* search(
        names,
        sources,
        ({ id }) => isMeant(id, asked.id),
        ({ id }) => isMeant(id, asked.id),
      )
    case 'recipient': {
      const isAsked = (address: string) => foldAddress(address) === asked.address
      return yield* search(
        names,
        sources,
        ({ recipients }) => recipients.some(isAsked),
        ({ recipients }) => recipients.some(isAsked),
      )
    }
    default:
      return asked satisfies never
  }
}

/** The story of one file of the queue. @throws UsageError or AccessError if it cannot be read */
export function storyOfFile(path: string, decisions: readonly DecisionEntry[]): readonly Story[] {
  return [storyOf(readQueueFile(path), decisions)]
}

function storyOf(queued: QueuedMessage, decisions: readonly DecisionEntry[]): Story {
  return { id: queued.id, queued, entries: decisions.filter(({ id }) => id !== '' && id === queued.id) }
}

function* search(
  names: readonly string[],
  { queueFolder, facts, mostFiles }: StorySources,
  isQueuedWanted: (message: QueuedMessage) => boolean,
  isDecisionWanted: (decision: DecisionEntry) => boolean,
): Steps<FoundStories> {
  const decisions = facts?.decisions ?? []
  const tried = groupById(decisions, isDecisionWanted)
  // The files of messages that were tried lately are known by name, so that they are found however many there are.
  const known = [...tried.values()].flatMap(([{ file = '' } = {}]) => findSuccessor(names, file) ?? [])
  const looked = [...new Set([...known, ...names.slice(0, mostFiles)])]
  const { messages, unreadable } = yield* readQueue(queueFolder, looked, isQueuedWanted)
  const waiting = messages
    .toSorted((a, b) => (basename(a.file) < basename(b.file) ? -1 : 1))
    .map((queued) => storyOf(queued, decisions))
  const ids = new Set(waiting.map(({ id }) => id))
  const finished = [...tried].filter(([id]) => !ids.has(id)).map(([id, entries]): Story => ({ id, entries }))
  return { stories: [...waiting, ...finished], unreadable, unread: Math.max(0, names.length - looked.length) }
}
