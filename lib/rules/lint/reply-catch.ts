import { BLANK_MESSAGE, type FailedStep } from '../../model/message'
import type { Condition, MessageCondition } from '../conditions/condition'
import { messageHolds } from '../conditions/condition'
import { KNOWN_REPLIES, type KnownReply } from '../known-replies'
import type { OverrideLine } from '../types'

/** What the conditions of a line on `$reply` catch. */
export interface Catch {
  readonly line: OverrideLine
  /** The first of them. */
  readonly condition: MessageCondition
  readonly caught: readonly KnownReply[]
  /** Do they hold before any server has refused the message? */
  readonly holdsWithout: boolean
}

/** Work for one file: characters of patterns, each tried with all known replies. It is a second or two. */
const MOST_WORK = 20_000
/** Steps at which a recipient is refused: a line for another step never sees such a reply. */
const STEPS_OF_RECIPIENTS: readonly FailedStep[] = ['rcpt', 'data']

const isOf = (condition: Condition, name: string): condition is MessageCondition =>
  condition.kind !== 'mx' && condition.attribute.name === name

/** What trying a condition costs: an expression with counted repetitions is as long as if they were written out. */
function workOf({ text }: MessageCondition): number {
  const counts = [...text.matchAll(/\{\d*,?(\d+),?\}/g)].map(([, count]) => Math.max(1, Number(count)))
  return counts.reduce((work, count) => work * count, text.length)
}

/**
 * What the lines with a condition on `$reply` catch of the known replies; undefined is a step without a line. Of very many such lines, or
 * very long ones, only the first are tried: the time is bounded.
 */
export function* findCatches(lines: readonly OverrideLine[]): Generator<Catch | undefined> {
  const known = new Map<string, Omit<Catch, 'line' | 'condition'>>()
  let work = 0
  for (const line of lines) {
    if (!line.readsReply) continue
    const conditions = line.conditions.filter((each) => isOf(each, 'reply'))
    const [condition] = conditions
    if (condition === undefined) continue
    const steps = line.conditions.filter((each) => isOf(each, 'failed'))
    const key = [...conditions, ...steps].map(({ text }) => text).join(' ')
    let found = known.get(key)
    if (found === undefined) {
      work += conditions.reduce((sum, each) => sum + workOf(each), 0)
      if (work > MOST_WORK) return
      found = yield* tryReplies(conditions, steps)
      known.set(key, found)
    }
    yield { line, condition, ...found }
  }
}

function* tryReplies(
  conditions: readonly MessageCondition[],
  steps: readonly MessageCondition[],
): Generator<undefined, Omit<Catch, 'line' | 'condition'>> {
  const hold = (all: readonly MessageCondition[], more: { reply?: string; failed?: FailedStep }) =>
    all.every((condition) => messageHolds(condition, { ...BLANK_MESSAGE, domain: '', ...more }))
  const seesRecipients = STEPS_OF_RECIPIENTS.some((failed) => hold(steps, { failed }))
  const caught: KnownReply[] = []
  for (const reply of KNOWN_REPLIES) {
    yield
    if (!seesRecipients && isOfRecipient(reply)) continue
    if (hold(conditions, { reply: reply.text })) caught.push(reply)
  }
  return { caught, holdsWithout: hold(conditions, { reply: '' }) }
}

/** Is it the recipient, and so refused by every server? */
export const isOfRecipient = ({ meaning }: KnownReply): boolean =>
  meaning === 'unknown user' || meaning === 'mailbox full'
