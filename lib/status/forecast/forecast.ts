import { messageOf, type QueuedMessage } from '../../haraka-files/queue-file'
import type { Endpoint } from '../../model/endpoint'
import type { Exchange } from '../../model/exchange'
import type { Message } from '../../model/message'
import type { Configuration } from '../../routing/configuration'
import { divideMessage } from '../../routing/divide-message'
import { domainOf } from '../../rules/message-spec'
import { type Effect, findEffect, usabilityNow } from '../effect'
import { explainMessage, type Explanation, type ExplanationLookup } from '../explanation'
import type { ServerState } from '../server-state'
import { findBranches } from './branches'
import { addPassedOver } from './passed-over'
import { makeTimeline, type Timeline } from './timeline'

/** A message, what becomes of it, and what the running server changes. */
export interface Forecast {
  readonly explanation: Explanation
  readonly effect: Effect | undefined
  readonly timeline: Timeline | undefined
}

/** What is asked. */
export interface ForecastQuestion {
  readonly message: Message
  /** Undefined: it is not in the queue. */
  readonly queued: QueuedMessage | undefined
  readonly configuration: Configuration
}

/** What is looked at beside the rules. */
export interface ForecastSources {
  readonly lookup: ExplanationLookup
  /** Undefined: the running server is not asked. */
  readonly server: ServerState | undefined
  /** Does this mail server itself listen there? */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Haraka's waits between attempts, seconds. Undefined: no timeline is made. */
  readonly intervals: readonly number[] | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A message of the queue as the rules see it now; undefined if its domain is not a domain. */
export function messageOfQueue(queued: QueuedMessage, now: number): Message | undefined {
  const domain = domainOf(queued.domain)
  return domain === undefined ? undefined : messageOf(queued, domain, now)
}

/** The recipients of the message whose next attempts these are. */
export const recipientsOf = ({ explanation }: Forecast): Message['rcptTo'] => explanation.message.rcptTo

/** What becomes of a message, or of the messages into which it would be divided. Never rejects as long as the lookup does not. */
export async function makeForecasts(
  question: ForecastQuestion,
  sources: ForecastSources,
): Promise<readonly Forecast[]> {
  const { configuration } = question
  const { lookup, server: state, isOwn, intervals } = sources
  const server = state?.kind === 'running' ? state : undefined
  const usable = server && ((relay: Exchange) => usabilityNow(relay, server) === 'usable')
  const forecasts: Forecast[] = []
  for (const message of await divideMessage(configuration, question.message, lookup, usable)) {
    const explanation = await explainMessage(configuration, message, lookup, usable)
    const timeline = intervals && (await timelineOf({ ...question, message }, intervals, sources))
    const change = server && findEffect(explanation.decision, server)
    forecasts.push({ explanation, effect: addPassedOver(change, explanation.route, isOwn), timeline })
  }
  return forecasts
}

async function timelineOf(
  { message, queued, configuration }: ForecastQuestion,
  intervals: readonly number[],
  { lookup, now }: ForecastSources,
): Promise<Timeline> {
  const first = Math.max(now, queued?.nextAttempt ?? now)
  const start = {
    at: first,
    retries: message.retries,
    // Haraka does not count the attempts before it split the message.
    failures: Math.max(0, message.retries - (queued?.attemptsBeforeSplit ?? 0)),
  }
  const explainAt = ({ at, ...changes }: { readonly at: number } & Partial<Message>) =>
    explainMessage(configuration, { ...message, ...changes, ageMs: message.ageMs + at - now }, lookup)
  const timeline = await makeTimeline(start, intervals, explainAt)
  const { rules } = configuration
  const branches = await findBranches(timeline.attempts, rules.linesFor(message.domain), explainAt)
  return { ...timeline, branches }
}
