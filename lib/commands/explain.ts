import { resolve } from 'node:path'
import { readQueueFile, type QueuedMessage } from '../haraka-files/queue-file'
import type { MxAnswer } from '../model/dns-answer'
import type { Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import { needsPlace } from '../relays/section'
import type { Configuration } from '../routing/configuration'
import { ownEndpointTest } from '../routing/own-server'
import { findBranches } from './explain/branches'
import { addPassedOver } from './explain/passed-over'
import { findEffect, usabilityNow } from './explain/effect'
import { readGivenMessage, readMxOption } from './explain/given-message'
import { findRivalPlugins } from './explain/rival-plugins'
import { makeTimeline, type Timeline } from './explain/timeline'
import { exitStatusOfViews, viewsJson, viewsText, type View } from './explain/view'
import { divideMessage } from './shared/divide-message'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { readOutboundSettings, readOwnServer, requireConfiguration } from './shared/require-configuration'
import { explainMessage } from './shared/explanation'
import { findConfiguration, shortName, stateFolder, type Location } from './shared/location'
import { openLookup, useGivenMx, type Lookup } from './shared/lookup'
import { paint } from './shared/paint'
import { readServerState } from '../status/server-state'
import type { Terminal } from './shared/terminal'
import { joinWords } from '../status/wording'

/** What is to be explained, and by what. */
interface Task {
  readonly message: Message
  readonly queued: QueuedMessage | undefined
  readonly mx: MxAnswer | undefined
  readonly location: Location
  readonly configuration: Configuration
}

function readTask(args: Arguments, terminal: Terminal): Task {
  const queueFile = args.value('queue')
  const queued = queueFile === undefined ? undefined : readQueueFile(resolve(terminal.cwd, queueFile))
  const message = readGivenMessage(args, queued, terminal.now())
  const given = readMxOption(args)
  for (const address of given?.skipped ?? []) {
    terminal.err(`--mx: ${address} is left out, because an MX names a host and not an address\n`)
  }
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = requireConfiguration(location, terminal)
  return { message, queued, mx: given?.answer, location, configuration }
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

/** What the message is called in the first line. */
function titleOf({ message }: Task, operand: string | undefined): string {
  return message.rcptTo.length > 1
    ? message.rcptTo.join(', ')
    : (operand ?? message.rcptTo[0] ?? message.domain)
}

function rivalsText(plugins: readonly string[]): string {
  const who = plugins.length === 1 ? `Plugin ${plugins[0]} has` : `Plugins ${joinWords(plugins)} have`
  return `\n${who} hooks for get_mx or server_details too, and may change this.\n`
}

function unknownText(reason: string): string {
  return `what the running server holds or leaves out is not known: ${reason} (--offline does not look)\n`
}

/** `dns-overrides explain`: exit status 0 if the message would be sent, 68 bounced, 75 deferred; see {@link exitStatusOfViews}. */
export async function runExplain(args: Arguments, terminal: Terminal): Promise<number> {
  const task = readTask(args, terminal)
  const { configuration, location, mx } = task
  const outbound = readOutboundSettings(location)
  const lookup =
    mx === undefined
      ? openLookup(configuration, outbound, (message) => terminal.err(`${message}\n`))
      : useGivenMx(() => mx)
  try {
    const state = args.flag('offline') ? undefined : readServerState(stateFolder(location), terminal.now())
    const server = state?.kind === 'running' ? state : undefined
    const usable = server && ((relay: Exchange) => usabilityNow(relay, server) === 'usable')
    const isOwn = ownEndpointTest(readOwnServer(location.configFolder) ?? { listens: [], addresses: [] })
    const views: View[] = []
    for (const message of await divideMessage(configuration, task.message, lookup, usable)) {
      const explanation = await explainMessage(configuration, message, lookup, usable)
      const timeline = args.flag('timeline')
        ? await timelineOf({ ...task, message }, outbound.retryIntervalsSeconds, lookup, terminal.now())
        : undefined
      const change = server && findEffect(explanation.decision, server)
      views.push({ explanation, effect: addPassedOver(change, explanation.route, isOwn), timeline })
    }
    const isCounted = views.some(({ explanation }) => explanation.decision.exchanges.some(needsPlace))
    if (state?.kind === 'unknown' && isCounted) terminal.err(unknownText(state.reason))
    if (args.flag('json')) terminal.out(formatJson(viewsJson(views)))
    else {
      const title = titleOf(task, args.operands[0])
      const file = shortName(location.file, terminal.cwd)
      const { rules } = configuration
      const ink = paint(terminal.color.out)
      terminal.out(viewsText(views, { title, rules, file, all: args.flag('all'), ink }))
      const rivals = findRivalPlugins(location)
      if (rivals.length > 0) terminal.out(rivalsText(rivals))
    }
    return exitStatusOfViews(views)
  } finally {
    lookup.close()
  }
}
