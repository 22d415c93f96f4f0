import { exchangeOf, relayKey } from '../model/exchange'
import { eachInSteps, finish, type Steps } from '../model/steps'
import type { Relay } from '../model/relay'
import type { DirectTerms } from '../model/terms'
import type { Hold } from '../relays/holds'
import { directTitle, isOfRelay, needsPlace } from '../relays/section'
import type { ServerStatus } from '../relays/types'
import type { Configuration } from '../routing/configuration'
import { summarizeReports, type RelaySummary, summarizeExchange, withLimits } from './relay-summary'
import type { ServerState } from './server-state'

/** One relay as it is shown: what is known of it, which may be only a hold. */
export interface RelayView {
  /** `[user@]host:port`; absent for a relay that is held and no longer in the file. */
  readonly key?: string
  readonly name?: string
  readonly hold?: Hold | undefined
  /** What the running server reports; absent if none does. */
  readonly summary?: RelaySummary | undefined
  /** Why its host has no address. */
  readonly unresolved?: string | undefined
}

/** Terms of direct mail as they are shown. */
export interface TermsView extends Omit<RelayView, 'unresolved'> {
  /** `[direct:NAME]` or `[direct]`. */
  readonly key: string
  /** Servers that are left out at the moment. */
  readonly leftOut: readonly RelaySummary[]
}

/** Is anything of these terms counted? */
function isCounted({ name, port, terms }: DirectTerms): boolean {
  const origin = { kind: 'dns', ...(name === undefined ? {} : { name }) } as const
  return needsPlace({ endpoint: { host: '', port }, origin, terms })
}

/** All that mail goes by, and that can be held or left out. */
export interface Views {
  /** The named relays in file order, then inline servers that a worker knows, then holds of names that are not in the file. */
  readonly relays: readonly RelayView[]
  /** `[direct]` if anything of it is counted, and each `[direct:NAME]` in file order. */
  readonly terms: readonly TermsView[]
}

/** @param unresolved the host of each relay that has no address, with why */
export const listViews = (
  configuration: Configuration,
  state: ServerState,
  unresolved: ReadonlyMap<string, string>,
): Views => finish(listViewsInSteps(configuration, state, unresolved))

/** As {@link listViews}, in steps. */
export function* listViewsInSteps(
  { settings }: Configuration,
  state: ServerState,
  unresolved: ReadonlyMap<string, string> = new Map(),
): Steps<Views> {
  const { relays, direct, directTerms } = settings
  const named: RelayView[] = []
  const keys = new Set<string>()
  const names = new Set(directTerms.map(({ name }) => name))
  for (const relay of relays) {
    const view = viewOfRelay(relay, state, unresolved.get(relay.endpoint.host))
    named.push(view)
    keys.add(view.key)
    names.add(relay.name)
    yield
  }
  const inline = yield* listInline(state, keys)
  const holds = state.kind === 'unknown' ? [] : [...state.holds.values()]
  const strays = holds.filter(({ name }) => !names.has(name)).map((hold) => ({ name: hold.name, hold }))
  yield
  const serversOf = yield* groupByTerms(state.kind === 'running' ? state.servers : [])
  const terms: TermsView[] = []
  for (const each of [direct, ...directTerms].filter(isCounted)) {
    terms.push(viewOfTerms(each, state, serversOf.get(directTitle(each.name)) ?? []))
    yield
  }
  return { relays: [...named, ...inline, ...strays], terms }
}

function viewOfRelay(
  relay: Relay & { readonly name: string },
  state: ServerState,
  problem: string | undefined,
): RelayView & { readonly key: string } {
  const hold = state.kind === 'unknown' ? undefined : state.holds.get(relay.name)
  return {
    key: relayKey(relay),
    name: relay.name,
    hold,
    summary:
      state.kind === 'running'
        ? summarizeExchange(exchangeOf(relay, { kind: 'attempts' }), state)
        : undefined,
    unresolved: problem,
  }
}

/** The servers of override lines that a worker reports. @param known keys of the named relays */
function* listInline(state: ServerState, known: ReadonlySet<string>): Steps<readonly RelayView[]> {
  if (state.kind !== 'running') return []
  const keys = new Set<string>()
  yield* eachInSteps(state.servers, (server) => {
    if (isOfRelay(server) && !known.has(server.key)) keys.add(server.key)
  })
  const views: RelayView[] = []
  yield* eachInSteps([...keys].sort(), (key) => {
    views.push({ key, summary: summarizeReports({ key }, state) })
  })
  return views
}

/** The servers of direct mail that workers report, by the title of their terms. */
function* groupByTerms(servers: readonly ServerStatus[]): Steps<ReadonlyMap<string, readonly string[]>> {
  const groups = new Map<string, Set<string>>()
  yield* eachInSteps(servers, ({ key, terms }) => {
    if (terms !== undefined) groups.set(terms, (groups.get(terms) ?? new Set()).add(key))
  })
  return new Map([...groups].map(([terms, keys]) => [terms, [...keys].sort()]))
}

function viewOfTerms(
  { name, terms }: DirectTerms,
  state: ServerState,
  servers: readonly string[],
): TermsView {
  const key = directTitle(name)
  const hold = state.kind === 'unknown' || name === undefined ? undefined : state.holds.get(name)
  const view = {
    key,
    ...(name === undefined ? {} : { name }),
    ...(hold === undefined ? {} : { hold }),
  }
  if (state.kind !== 'running') return { ...view, leftOut: [] }
  return {
    ...view,
    summary: withLimits(summarizeReports({ key, name }, state), terms),
    leftOut: servers.map((server) => summarizeReports({ key: server, terms: key }, state)),
  }
}
