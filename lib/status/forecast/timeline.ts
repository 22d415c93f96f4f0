import { toPrintable } from '../../model/printable'
import { listTriedExchanges, type Explanation } from '../explanation'
import type { Paint } from '../paint'
import type { TimelineBranch } from './branches'
import type { TimelineAttempt } from './timeline-attempt'
import { describeOrder, describeSource, formatTime } from '../wording'

/** All attempts, and when and why the message bounces after the last. */
export interface Timeline {
  readonly attempts: readonly TimelineAttempt[]
  /** When (ms since the epoch) and why the message bounces. */
  readonly end: { readonly at: number; readonly message: string }
  /** What follows from a reply or a failure that a line asks for, in file order. */
  readonly branches: readonly TimelineBranch[]
}

/** What is known of a message before its next attempt. */
export interface StartingPoint {
  /** When the next attempt is made, ms since the epoch. */
  readonly at: number
  /** Attempts already made, as `$retries` has it. */
  readonly retries: number
  /** Attempts that Haraka counts, which is fewer after a message was split. */
  readonly failures: number
}

/**
 * What happens to a message that no server accepts: after each failure Haraka waits for the next of its intervals, and bounces the
 * message when they are used up (Haraka `outbound/hmail.js` `temp_fail`).
 *
 * @param intervals Haraka's waits between attempts, seconds
 * @param explainAt the explanation of the message after that many retries, at a time (ms since the epoch)
 */
export async function makeTimeline(
  start: StartingPoint,
  intervals: readonly number[],
  explainAt: (attempt: { readonly retries: number; readonly at: number }) => Promise<Explanation>,
): Promise<Omit<Timeline, 'branches'>> {
  const attempts: TimelineAttempt[] = []
  let { at } = start
  for (let step = 0; ; step++) {
    const explanation = await explainAt({ retries: start.retries + step, at })
    attempts.push({ at, explanation })
    const { outcome, noRoute } = explanation.route
    if (outcome === 'bounce') return { attempts, end: { at, message: noRoute?.message ?? 'no route' } }
    const wait = intervals[start.failures + step]
    if (wait === undefined) {
      return { attempts, end: { at, message: "Haraka's retry intervals are used up" } }
    }
    at += wait * 1000
  }
}

function summarize(explanation: Explanation): string {
  const { decision, route } = explanation
  const because = route.noRoute === undefined ? '' : `: ${toPrintable(route.noRoute.message)}`
  switch (route.outcome) {
    case 'bounce':
      return `bounces${because}`
    case 'defer':
      return `is deferred${because}`
    case 'deliver':
      return `${describeOrder(listTriedExchanges(explanation))} (by ${describeSource(decision)})`
    default:
      return route.outcome satisfies never
  }
}

/**
 * The timeline for a reader, one line an attempt.
 *
 * @param qualifier what the timeline does not look at, for the heading
 */
export function timelineText({ attempts, end, branches }: Timeline, qualifier: string, ink: Paint): string {
  const rows = attempts.map(({ at, explanation }) => {
    const number = String(explanation.message.retries).padStart(3)
    return `  ${number}  ${formatTime(at)}  ${summarize(explanation)}`
  })
  return [
    '',
    ink.strong(`If no server accepts it${qualifier}`),
    ink.faint('  retries, time, servers'),
    ...rows,
    ink.bad(`       ${formatTime(end.at)}  bounces: ${toPrintable(end.message)}`),
    '',
    ...(branches.length === 0 ? [] : branchSection(branches, ink)),
  ].join('\n')
}

/** What is known of the end of an attempt, for which a line waits. */
function branchSection(branches: readonly TimelineBranch[], ink: Paint): string[] {
  const rows = branches.flatMap(({ after, at, atOnce, reply, failed, explanation }) => [
    `  ${String(after).padStart(3)}  ${atOnce ? 'at once' : formatTime(at)}  ${summarize(explanation)}`,
    `       ${ink.faint(reply === '' ? `if it fails at ${failed}` : `if refused with "${reply}", for example`)}`,
  ])
  return [
    ink.strong('If a reply or a failure decides'),
    ink.faint('  retries until then, time of the next attempt, servers'),
    ...rows,
    '',
  ]
}
