import { resolve } from 'node:path'
import { readQueueFile } from '../haraka-files/queue-file'
import { currentPath } from '../haraka-files/queue-folder'
import { needsPlace } from '../relays/section'
import { answerRequest, type ExplainRequest } from './explain/explain-request'
import { readGivenMessage, readMxOption } from './explain/given-message'
import { findRivalPlugins } from './explain/rival-plugins'
import { exitStatusOfForecasts, forecastsJson } from './explain/forecast-json'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { requireConfiguration } from './shared/require-configuration'
import { findConfiguration, shortName, stateFolder } from './shared/location'
import { forecastsText } from '../status/forecast/forecast-text'
import { paint } from '../status/paint'
import { readServerState } from '../status/server-state'
import type { Terminal } from './shared/terminal'
import { joinWords } from '../status/wording'

function readRequest(args: Arguments, terminal: Terminal): ExplainRequest {
  const queueFile = args.value('queue')
  const path = queueFile === undefined ? undefined : currentPath(resolve(terminal.cwd, queueFile))
  const queued = path === undefined ? undefined : readQueueFile(path)
  const message = readGivenMessage(args, queued, terminal.now())
  const given = readMxOption(args)
  for (const address of given?.skipped ?? []) {
    terminal.err(`--mx: ${address} is left out, because an MX record needs a host name, not an address\n`)
  }
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = requireConfiguration(location, terminal)
  return { message, queued, mx: given?.answer, location, configuration }
}

/** The name of the message in the first line. */
function titleOf({ message }: ExplainRequest, operand: string | undefined): string {
  return message.rcptTo.length > 1
    ? message.rcptTo.join(', ')
    : (operand ?? message.rcptTo[0] ?? message.domain)
}

function rivalsText(plugins: readonly string[]): string {
  const who = plugins.length === 1 ? `Plugin ${plugins[0]} has` : `Plugins ${joinWords(plugins)} have`
  return `\n${who} hooks for get_mx or server_details too, and may change this.\n`
}

function unknownText(reason: string): string {
  return `the holds, breakers and limits of the running server are not known: ${reason} (with --offline they are not read)\n`
}

/** `dns-overrides explain`: exit status 0 if the message would be sent, 68 bounced, 75 deferred; see {@link exitStatusOfForecasts}. */
export async function runExplain(args: Arguments, terminal: Terminal): Promise<number> {
  const request = readRequest(args, terminal)
  const { configuration, location } = request
  const state = args.flag('offline') ? undefined : readServerState(stateFolder(location), terminal.now())
  const forecasts = await answerRequest(request, { state, hasTimeline: args.flag('timeline') }, terminal)
  const isCounted = forecasts.some(({ explanation }) => explanation.decision.exchanges.some(needsPlace))
  if (state?.kind === 'unknown' && isCounted) terminal.err(unknownText(state.reason))
  if (args.flag('json')) terminal.out(formatJson(forecastsJson(forecasts, configuration.rules)))
  else {
    const title = titleOf(request, args.operands[0])
    const file = shortName(location.file, terminal.cwd)
    const { rules } = configuration
    const ink = paint(terminal.color.out)
    terminal.out(forecastsText(forecasts, { title, rules, file, all: args.flag('all'), ink }))
    const rivals = findRivalPlugins(location)
    if (rivals.length > 0) terminal.out(rivalsText(rivals))
  }
  return exitStatusOfForecasts(forecasts)
}
