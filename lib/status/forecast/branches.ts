import { FAILED_STEPS, type FailedStep, type Message } from '../../model/message'
import { messageHolds } from '../../rules/conditions/condition'
import { KNOWN_REPLIES } from '../../rules/known-replies'
import type { OverrideLine } from '../../rules/types'
import type { Explanation } from '../explanation'
import { valuesFor } from '../../rules/sample-values'
import type { TimelineAttempt } from './timeline-attempt'

/** What follows if an attempt ends in a way that an override line asks for with `$reply` or `$failed`. */
export interface TimelineBranch {
  readonly line: number
  /** `$retries` of the attempt that ends so: the first for which the line counts. */
  readonly after: number
  /** An example of a reply; empty where the line asks for none. */
  readonly reply: string
  readonly failed: FailedStep
  /** When the next attempt is made, ms since the epoch. */
  readonly at: number
  readonly atOnce: boolean
  readonly explanation: Explanation
}

/** What an attempt that ended has changed of the message. */
export type EndedAttempt = Pick<Message, 'retries' | 'reply' | 'failed'> & { readonly at: number }

/** The most lines that are looked at: nobody reads more. */
const MOST_LINES = 20
/** Likely steps first. */
const STEPS: readonly FailedStep[] = [
  'rcpt',
  ...FAILED_STEPS.filter((step) => step !== '' && step !== 'rcpt'),
]

/** The first way for an attempt to end after which the conditions of the line on the message alone hold. */
function findEnding(line: OverrideLine, before: Message): Pick<Message, 'reply' | 'failed'> | undefined {
  const conditions = line.conditions.filter((condition) => condition.kind !== 'mx')
  const ofReply = conditions.filter(({ attribute }) => attribute.name === 'reply')
  const made = valuesFor(ofReply).flatMap((text) => [text, `550 ${text}`])
  const replies = line.readsReply
    ? [...KNOWN_REPLIES.map(({ text }) => text), ...made.filter((text) => /^[45]\d\d /.test(text))]
    : [before.reply]
  for (const failed of STEPS) {
    for (const reply of replies) {
      const after = { ...before, retries: before.retries + 1, reply, failed }
      if (conditions.every((condition) => messageHolds(condition, after))) return { reply, failed }
    }
  }
  return undefined
}

/**
 * For each line that asks for a reply or a failure: after which attempt it would decide first, and what it would do.
 *
 * @param attempts of the timeline in which no such thing is known
 * @param lines that may match the message, in file order
 * @param explainAfter the explanation of the message after an attempt
 */
export async function findBranches(
  attempts: readonly TimelineAttempt[],
  lines: readonly OverrideLine[],
  explainAfter: (ended: EndedAttempt) => Promise<Explanation>,
): Promise<readonly TimelineBranch[]> {
  const asking = lines.filter(
    ({ readsReply, conditions }) =>
      readsReply || conditions.some(({ attribute }) => attribute.name === 'failed'),
  )
  const branches: TimelineBranch[] = []
  for (const line of asking.slice(0, MOST_LINES)) {
    const branch = await findBranch(line, attempts, explainAfter)
    if (branch !== undefined) branches.push(branch)
  }
  return branches
}

async function findBranch(
  line: OverrideLine,
  attempts: readonly TimelineAttempt[],
  explainAfter: (ended: EndedAttempt) => Promise<Explanation>,
): Promise<TimelineBranch | undefined> {
  for (const [index, { at, explanation: before }] of attempts.entries()) {
    const { message, decision, route } = before
    if (route.outcome === 'bounce' || decision.matched.includes(line.line)) return undefined
    const ending = findEnding(line, message)
    if (ending === undefined) continue
    const retries = message.retries + 1
    const ask = (when: number) => explainAfter({ ...ending, retries, at: when })
    const first = await ask(at)
    const { matched, onRefusal } = first.decision
    if (!matched.includes(line.line)) continue
    const isRescue =
      ending.reply.startsWith('5') && onRefusal?.replyLines.some((each) => each.line === line.line) === true
    const wait = onRefusal?.againMs ?? (isRescue ? 0 : undefined)
    const next = wait === undefined ? attempts[index + 1]?.at : at + wait
    if (next === undefined) continue
    const explanation = next === at ? first : await ask(next)
    return {
      line: line.line,
      after: message.retries,
      reply: line.readsReply ? ending.reply : '',
      failed: ending.failed,
      at: next,
      atOnce: next === at,
      explanation,
    }
  }
  return undefined
}
