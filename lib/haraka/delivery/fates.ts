import type { Loggable } from '../../haraka-objects/plugin'
import { findSetbacks, isRefusal, type ConnectionReport, type Setback } from './setback'
import type { QueuedRecipient } from '../../haraka-objects/outbound'

/** What the rules say of a setback. */
export interface Judgement {
  /** Matched lines with a condition on `$reply` that have not yet rescued this message, as written. */
  readonly rescuedBy: readonly string[]
  /** The same text for recipients whose next attempt goes by the same lines with `$reply` and the same `$again`: they go on together. */
  readonly goesBy: string
  /** `$again`: how long until the next attempt. */
  readonly againSeconds?: number
}

/**
 * What the rules say after a setback.
 *
 * @param place of the recipient among those of the message, from 0
 */
export type Judge = (setback: Setback, place: number) => Judgement | Promise<Judgement>

/** What happens to a recipient, and why. */
interface Fate {
  readonly kind: 'bounce' | 'defer' | 'rescue'
  readonly setback: Setback
  readonly judgement: Judgement
}

/** Recipients that go on together. */
export interface FateGroup extends Fate {
  readonly recipients: readonly QueuedRecipient[]
}

const NOTHING_SAID: Judgement = { rescuedBy: [], goesBy: '' }

/** A judge that never rejects: if the rules cannot be asked, they say nothing. */
export function judgeSafely(judge: Judge, log: Pick<Loggable, 'logerror'>): Judge {
  return async (setback, place) => {
    try {
      return await judge(setback, place)
    } catch (error) {
      log.logerror(`the rules could not be asked about "${setback.text}": ${String(error)}`)
      return NOTHING_SAID
    }
  }
}

/** Recipients of a message, and the connection that they were refused or deferred on. */
export interface FateQuestion {
  /** All recipients of the message. */
  readonly all: readonly QueuedRecipient[]
  /** Those in question. */
  readonly recipients: readonly QueuedRecipient[]
  readonly connection: ConnectionReport
  readonly judge: Judge
}

/** The recipients by what becomes of them. Undefined if nothing is known of one. */
export async function groupByFate({
  all,
  recipients,
  connection,
  judge,
}: FateQuestion): Promise<readonly FateGroup[] | undefined> {
  const setbacks = findSetbacks(connection, all.length)
  const groups = new Map<string, FateGroup & { recipients: QueuedRecipient[] }>()
  for (const recipient of recipients) {
    const place = all.indexOf(recipient)
    const setback = setbacks[place]
    if (setback === undefined) return undefined
    const judgement = await judge(setback, place)
    const kind = !isRefusal(setback) ? 'defer' : judgement.rescuedBy.length > 0 ? 'rescue' : 'bounce'
    const key = kind === 'bounce' ? kind : `${kind} ${judgement.goesBy}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { kind, setback, judgement, recipients: [recipient] })
    else group.recipients.push(recipient)
  }
  return [...groups.values()]
}

/** The wait after a setback of the whole message: the shortest that a recipient has, as the next attempt is made for all. */
export async function findAgainSeconds(
  all: readonly QueuedRecipient[],
  setback: Setback,
  judge: Judge,
): Promise<number | undefined> {
  const waits: number[] = []
  for (const place of all.keys()) {
    const { againSeconds } = await judge(setback, place)
    if (againSeconds !== undefined) waits.push(againSeconds)
  }
  return waits.length === 0 ? undefined : Math.min(...waits)
}
