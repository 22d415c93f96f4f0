import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AddressAnswer } from '../model/dns-answer'
import { UsageError } from '../model/errors'
import { toPrintable } from '../model/printable'
import type { Relay } from '../model/relay'
import type { Configuration } from '../routing/configuration'
import { changeHold, readRequest } from './relays/hold'
import { relayJson, relayText, termsJson, termsText } from './relays/view'
import { ConfigurationReader } from './shared/configuration-reader'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { readOutboundSettings, requireConfiguration } from './shared/require-configuration'
import { EXIT } from './shared/exit-status'
import { findConfiguration, stateFolder, type Location } from './shared/location'
import { openResolver } from './shared/lookup'
import { paint } from '../status/paint'
import { readFactsFile } from '../status/facts-file'
import { describeSharing, sharingJson } from '../status/sharing'
import { listViews, type RelayView } from '../status/relay-views'
import { readServerState, type ServerState, withWaiting } from '../status/server-state'
import type { Terminal } from './shared/terminal'
import { watchText } from './shared/watch'

/** The longest wait for the addresses of the relays, ms: the reports of the server are more important. */
const LOOKUP_PATIENCE_MS = 3_000
/** Time between two lookups of the relays with `--watch`. */
const LOOKUP_INTERVAL_MS = 30_000

/** The host of each relay that has no address, with the reason. */
async function findUnresolved(
  relays: readonly Relay[],
  configuration: Configuration,
  location: Location,
): Promise<ReadonlyMap<string, string>> {
  const hosts = [...new Set(relays.map(({ endpoint }) => endpoint.host))].filter((host) => isIP(host) === 0)
  if (hosts.length === 0) return new Map()
  const { inetPrefer } = readOutboundSettings(location)
  // If a DNS server fails, the answers show it.
  const resolver = openResolver(configuration, () => undefined)
  const stop = new AbortController()
  const late = sleep(LOOKUP_PATIENCE_MS, undefined, { signal: stop.signal }).catch(() => undefined)
  try {
    const answers = hosts.map(async (host): Promise<[string, string][]> => {
      const answer = await Promise.race([resolver.relayAddresses(host, inetPrefer), late])
      const problem = describeUnresolved(host, answer)
      return problem === undefined ? [] : [[host, problem]]
    })
    return new Map((await Promise.all(answers)).flat())
  } finally {
    stop.abort()
    resolver.close()
  }
}

function describeUnresolved(host: string, answer: AddressAnswer | undefined | void): string | undefined {
  if (!answer) return `${host} could not be looked up within ${LOOKUP_PATIENCE_MS / 1000} s`
  switch (answer.kind) {
    case 'addresses':
      return undefined
    case 'none':
      return `${host} has no address`
    case 'failed':
      return `${host} could not be looked up: ${toPrintable(answer.error.message)}`
    default:
      return answer satisfies never
  }
}

/** Does a problem keep mail from the relay? */
function isInTrouble({ hold, summary, unresolved }: RelayView): boolean {
  return hold !== undefined || summary?.breaker === 'open' || unresolved !== undefined
}

/** What is shown. */
interface Look {
  readonly text: string
  /** Additional text for a person. */
  readonly note: string
  /** Is a relay held or left out, or is that not known? */
  readonly isTroubled: boolean
}

/** What to show. */
interface Subject {
  readonly configuration: Configuration
  readonly location: Location
  /** See {@link findUnresolved}. */
  readonly unresolved: ReadonlyMap<string, string>
}

function lookAt({ configuration, location, unresolved }: Subject, args: Arguments, terminal: Terminal): Look {
  const folder = stateFolder(location)
  const reported = readServerState(folder, terminal.now())
  const facts = reported.kind === 'running' ? readFactsFile(folder, terminal.now()) : undefined
  const state = withWaiting(reported, facts)
  const shared = facts && describeSharing(facts)
  const { relays: views, terms } = listViews(configuration, state, unresolved)
  const ink = paint(terminal.color.out)
  const text = args.flag('json')
    ? formatJson({
        server: state.kind,
        workers: state.kind === 'running' ? state.workers : [],
        ...(facts === undefined ? {} : sharingJson(facts)),
        relays: views.map((view) => relayJson(view)),
        terms: terms.map((view) => termsJson(view)),
      })
    : [
        ...views.map((view) => relayText(view, state, ink)),
        ...terms.map((view) => termsText(view, state, ink)),
        ...(views.length + terms.length === 0 ? [`${location.file} names no relay\n`] : []),
        ...(shared === undefined ? [] : [`${facts?.redisUp === true ? shared : ink.warn(shared)}\n`]),
      ].join('')
  return {
    text,
    note: noteOf(state, folder),
    isTroubled: state.kind === 'unknown' || [...views, ...terms].some(isInTrouble),
  }
}

/** Refreshes the view. The file is read again when it changes, and the relays are looked up in DNS now and then. */
async function watchRelays(args: Arguments, location: Location, terminal: Terminal): Promise<number> {
  const reader = new ConfigurationReader(location, terminal)
  let known: (Subject & { readonly lookedUpAt: number }) | undefined
  const look = async () => {
    const { configuration, problems } = reader.read()
    if (configuration === undefined) return problems
    const now = terminal.now()
    if (known?.configuration !== configuration || Math.abs(now - known.lookedUpAt) > LOOKUP_INTERVAL_MS) {
      const unresolved = await findUnresolved(configuration.settings.relays, configuration, location)
      known = { configuration, location, unresolved, lookedUpAt: now }
    }
    const { text, note } = lookAt(known, args, terminal)
    return args.flag('json') ? text : `${text}${note}`
  }
  return watchText(look, terminal, { draws: !args.flag('json') })
}

function noteOf(state: ServerState, folder: string): string {
  switch (state.kind) {
    case 'running':
      return ''
    case 'none':
      return `no running Haraka uses ${folder}\n`
    case 'unknown':
      return `the state of the running server is not known: ${state.reason}\n`
    default:
      return state satisfies never
  }
}

/**
 * `dns-overrides relays`: shows what the workers of the running server know of relays and terms, and holds them by hand. Exit status 75
 * if one of them is held, if a relay is left out or has no address, or if that is not known; with `--hold` and `--resume` only if the
 * workers have not confirmed it.
 */
export async function runRelays(args: Arguments, terminal: Terminal): Promise<number> {
  const request = readRequest(args)
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = requireConfiguration(location, terminal)
  if (args.flag('watch')) {
    if (request === undefined) return watchRelays(args, location, terminal)
    throw new UsageError(`relays: --watch or --${request.verb}, not both`)
  }
  const { relays, directTerms } = configuration.settings
  const folder = stateFolder(location)
  const before = readServerState(folder, terminal.now())
  const heldNames = before.kind === 'unknown' ? [] : [...before.holds.keys()]
  const names = [
    ...[...relays, ...directTerms].map(({ name }) => name),
    ...(request?.verb === 'resume' ? heldNames : []),
  ]
  const result = request === undefined ? undefined : await changeHold(request, folder, names, terminal.now)
  if (result !== undefined) terminal.err(`${result.message}\n`)

  const unresolved = await findUnresolved(relays, configuration, location)
  const { text, note, isTroubled } = lookAt({ configuration, location, unresolved }, args, terminal)
  terminal.out(text)
  terminal.err(note)
  const isBad = result === undefined ? isTroubled : !result.isConfirmed
  return isBad ? EXIT.tempFail : EXIT.ok
}
