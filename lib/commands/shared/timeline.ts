import type { Explanation } from './explanation'
import { explanationJson, triedExchanges } from './explanation'
import { formatEndpoint } from '../../model/endpoint'
import type { Paint } from './paint'
import { linesText } from './wording'

/** One attempt at the time at which Haraka would make it, if every earlier one failed. ms since the epoch. */
export interface TimelineAttempt {
  readonly at: number
  readonly explanation: Explanation
}

/** All attempts, and when and why the message bounces after them. */
export interface Timeline {
  readonly attempts: readonly TimelineAttempt[]
  readonly end: { readonly at: number; readonly message: string }
}

/** How a message stands at its next attempt. */
export interface Standing {
  /** When the next attempt is made, ms since the epoch. */
  readonly at: number
  /** Attempts already made, as `$retries` has it. */
  readonly retries: number
  /** Attempts that Haraka counts, which is fewer after a message was split. */
  readonly failures: number
}

/**
 * What happens to a message that no server takes: after each failure Haraka waits for the next of its intervals, and bounces the
 * message when they are used up (Haraka `outbound/hmail.js` `temp_fail`).
 *
 * @param explainAt the explanation of the message after so many retries.
 */
export async function makeTimeline(
  standing: Standing,
  intervals: readonly number[],
  explainAt: (retries: number) => Promise<Explanation>,
): Promise<Timeline> {
  const attempts: TimelineAttempt[] = []
  let { at } = standing
  for (let step = 0; ; step++) {
    const explanation = await explainAt(standing.retries + step)
    attempts.push({ at, explanation })
    const { outcome, noRoute } = explanation.route
    if (outcome === 'bounce') return { attempts, end: { at, message: noRoute?.message ?? 'no route' } }
    const wait = intervals[standing.failures + step]
    if (wait === undefined) {
      return { attempts, end: { at, message: "Haraka's retry intervals are used up" } }
    }
    at += wait * 1000
  }
}

const two = (number: number) => String(number).padStart(2, '0')

/** `2026-11-21 11:53:07`, in the time zone of this machine. */
function clock(at: number): string {
  const date = new Date(at)
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function summary(explanation: Explanation): string {
  const { decision, route } = explanation
  if (route.outcome === 'bounce') return `bounces: ${route.noRoute?.message ?? ''}`
  if (route.outcome === 'defer') return `is deferred: ${route.noRoute?.message ?? ''}`
  const exchanges = triedExchanges(explanation).map(({ endpoint }) => formatEndpoint(endpoint))
  const by = decision.source === 'overrides' ? linesText(decision.matched) : decision.source
  return `${exchanges.join(', ')} (by ${by})`
}

/** The timeline for a reader, one line an attempt. */
export function timelineText({ attempts, end }: Timeline, ink: Paint): string {
  const rows = attempts.map(({ at, explanation }) => {
    const number = String(explanation.message.retries).padStart(3)
    return `  ${number}  ${clock(at)}  ${summary(explanation)}`
  })
  return [
    '',
    ink.strong('If no server takes it'),
    ink.faint('  retries, time, where to'),
    ...rows,
    ink.bad(`       ${clock(end.at)}  bounces: ${end.message}`),
    '',
  ].join('\n')
}

/** The timeline as `--json` prints it, times as ISO 8601. */
export function timelineJson({ attempts, end }: Timeline): Record<string, unknown> {
  return {
    attempts: attempts.map(({ at, explanation }) => {
      const { lines: _, domain: __, ...decision } = explanationJson(explanation)
      return { retries: explanation.message.retries, at: new Date(at).toISOString(), ...decision }
    }),
    bounce: { at: new Date(end.at).toISOString(), reason: end.message },
  }
}
