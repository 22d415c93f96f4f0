import { basename } from 'node:path'
import type { QueuedMessage } from '../haraka-files/queue-file'
import type { FailedStep } from '../model/message'
import type { DecisionEntry } from './facts'
import { describeSource, formatAge, formatTime } from './wording'

/** One connection of an attempt, or an attempt that made none. All text is printable. */
export interface PastStep {
  /** When the attempt ended, or was decided; milliseconds since the epoch. */
  readonly at: number
  /** What sent it there: `line 3`, `[attempts]`, `DNS`; empty if that is not known. */
  readonly by: string
  /** Empty if none was asked. */
  readonly server: string
  readonly tls: boolean
  readonly delivered: boolean
  readonly failed: FailedStep
  /** What the server said, or what went wrong. */
  readonly text: string
}

/** One message, as far as its queue file and the running server know it. */
export interface Story {
  /** As the log has it; empty if it is not known. */
  readonly id: string
  /** Absent: it is no longer in the queue. */
  readonly queued?: QueuedMessage
  /** Of the running server, newest first. */
  readonly entries: readonly DecisionEntry[]
}

/** Is a message meant by an id? One without the number of the delivery or of the transaction means all of them. */
export function isMeant(id: string, asked: string): boolean {
  const [whole, part] = [id.toLowerCase(), asked.toLowerCase()]
  return whole === part || whole.startsWith(`${part}.`)
}

/** The decisions that the running server still knows, by message, newest message first. */
export function groupById(
  decisions: readonly DecisionEntry[],
  isWanted: (decision: DecisionEntry) => boolean,
): ReadonlyMap<string, readonly DecisionEntry[]> {
  const groups = new Map<string, DecisionEntry[]>()
  for (const decision of decisions.filter(isWanted)) {
    const group = groups.get(decision.id)
    if (group === undefined) groups.set(decision.id, [decision])
    else group.push(decision)
  }
  return groups
}

/** What has been tried, oldest first: from the notes of the queue file, else from what the running server knows. */
export function listSteps({ queued, entries }: Story): readonly PastStep[] {
  if (queued !== undefined && queued.history.length > 0) {
    return queued.history.map(({ by, ...note }) => ({
      ...note,
      by: by === 'attempts' || by === 'dns' ? describeSource({ source: by, matched: [] }) : by,
      delivered: false,
    }))
  }
  return entries.toReversed().flatMap(stepsOf)
}

function stepsOf({ at, source, lines, action, reason, end }: DecisionEntry): readonly PastStep[] {
  const by = describeSource({ source, matched: lines })
  if (action === 'bounce' || action === 'defer') {
    return [{ at, by, server: '', tls: false, delivered: false, failed: '', text: reason }]
  }
  if (end === undefined) return []
  // Without a connection it has only waited.
  return end.connections.map(({ server, tls, failed, text }) => ({
    at: end.at,
    by,
    server,
    tls,
    delivered: failed === '' && end.delivered,
    failed,
    text,
  }))
}

/** How things stand for a message of the queue. */
export interface Surroundings {
  /** Does the server run? */
  readonly isRunning: boolean
  /** What a message like this would wait for now; absent if it would be tried, or that is not known. */
  readonly wait?: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What a message of the queue waits for now, as a sentence. */
export function describeWait({ queued, entries }: Story, { isRunning, wait, now }: Surroundings): string {
  if (!isRunning) return 'No Haraka runs: it is tried when Haraka starts'
  const [last] = entries
  const lastEnd = queued?.history.at(-1)?.at ?? 0
  const planned = queued?.nextAttempt
  // A wait leaves the name of the queue file as it is, with the time of an attempt that does not come.
  if (last !== undefined && last.at >= lastEnd) {
    if (last.wait !== undefined) return describeUncounted(entries)
    if (last.action === 'try' && last.end === undefined)
      return `It is being tried, or waits for a free server, since ${formatTime(last.at)}`
  }
  if (planned !== undefined && planned > now)
    return `Haraka tries it again at ${formatTime(planned)}, in ${formatAge(planned - now)}`
  return wait === undefined
    ? 'It is due: Haraka tries it as soon as it has a thread for it'
    : `It waits, and no attempt is counted: ${wait}`
}

/** @param entries of which the first one, which is the newest, waits */
function describeUncounted(entries: readonly DecisionEntry[]): string {
  // While it waits it is looked at again and again, and each time decided anew.
  const others = entries.findIndex(({ wait }) => wait === undefined)
  const begin = entries.at(others === -1 ? -1 : others - 1)
  const how = entries[0]?.wait === 'held' ? 'It has been held' : 'It has waited'
  return `${how} since ${formatTime(begin?.at ?? 0)}, and no attempt is counted: ${entries[0]?.reason ?? ''}`
}

/** How a finished message ended, as a sentence. */
export function describeEnd({ entries }: Story): string {
  const last = entries[0]
  if (last?.end?.delivered === true) return `Delivered at ${formatTime(last.end.at)}`
  if (last?.end?.bounced === true) {
    return `Bounced at ${formatTime(last.end.at)}: ${last.end.connections.at(-1)?.text ?? last.reason}`
  }
  if (last?.action === 'bounce') return `Bounced at ${formatTime(last.at)}: ${last.reason}`
  return 'It is no longer in the queue: it has bounced, or somebody has removed it; the log says which'
}

/** What a message is called: its id, else the name of its file. */
export const titleOfStory = ({ id, queued }: Story): string =>
  id || (queued === undefined ? '' : basename(queued.file))
