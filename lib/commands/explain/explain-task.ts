import type { QueuedMessage } from '../../haraka-files/queue-file'
import type { MxAnswer } from '../../model/dns-answer'
import type { Exchange } from '../../model/exchange'
import type { Message } from '../../model/message'
import type { Configuration } from '../../routing/configuration'
import { ownEndpointTest } from '../../routing/own-server'
import type { ServerState } from '../../status/server-state'
import { divideMessage } from '../shared/divide-message'
import { explainMessage } from '../../status/explanation'
import type { Location } from '../shared/location'
import { openLookup, useGivenMx, type Lookup } from '../shared/lookup'
import { readOutboundSettings, readOwnServer } from '../shared/require-configuration'
import type { Terminal } from '../shared/terminal'
import { findBranches } from './branches'
import { findEffect, usabilityNow } from '../../status/effect'
import { addPassedOver } from './passed-over'
import { makeTimeline, type Timeline } from './timeline'
import type { View } from './view'

/** What is to be explained, and by what. */
export interface Task {
  readonly message: Message
  readonly queued: QueuedMessage | undefined
  /** Undefined: DNS is asked. */
  readonly mx: MxAnswer | undefined
  readonly location: Location
  readonly configuration: Configuration
}

/** What an explanation looks at beside the rules. */
export interface Surroundings {
  /** Undefined: the running server is not asked. */
  readonly state: ServerState | undefined
  readonly hasTimeline: boolean
}

async function timelineOf(
  { message, queued, configuration }: Task,
  intervals: readonly number[],
  lookup: Lookup,
  now: number,
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
  const branches = await findBranches(timeline.attempts, rules.candidates(message.domain), explainAt)
  return { ...timeline, branches }
}

/** Explains a message, or the messages into which it would be divided. */
export async function explainTask(
  task: Task,
  { state, hasTimeline }: Surroundings,
  { err, now }: Pick<Terminal, 'err' | 'now'>,
): Promise<readonly View[]> {
  const { configuration, location, mx } = task
  const outbound = readOutboundSettings(location)
  const lookup =
    mx === undefined
      ? openLookup(configuration, outbound, (message) => err(`${message}\n`))
      : useGivenMx(() => mx)
  try {
    const server = state?.kind === 'running' ? state : undefined
    const usable = server && ((relay: Exchange) => usabilityNow(relay, server) === 'usable')
    const isOwn = ownEndpointTest(readOwnServer(location.configFolder) ?? { listens: [], addresses: [] })
    const views: View[] = []
    for (const message of await divideMessage(configuration, task.message, lookup, usable)) {
      const explanation = await explainMessage(configuration, message, lookup, usable)
      const timeline = hasTimeline
        ? await timelineOf({ ...task, message }, outbound.retryIntervalsSeconds, lookup, now())
        : undefined
      const change = server && findEffect(explanation.decision, server)
      views.push({ explanation, effect: addPassedOver(change, explanation.route, isOwn), timeline })
    }
    return views
  } finally {
    lookup.close()
  }
}
