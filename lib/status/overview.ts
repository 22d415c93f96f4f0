import type { Endpoint } from '../model/endpoint'
import type { Steps } from '../model/steps'
import type { Configuration } from '../routing/configuration'
import type { ExplanationLookup } from './explanation'
import type { Facts } from './facts'
import { type HitScope, readFactsInSteps } from './facts-file'
import { type CountedLines, LineIndex } from './line-index'
import { listViewsInSteps, type Views } from './relay-views'
import { readServerStateInSteps, type ServerState, withWaiting } from './server-state'

/** How a server stands at one moment. */
export interface ServerOverview extends Views {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** In force in the process that shows it; undefined if there are no rules. */
  readonly configuration: Configuration | undefined
  /** undefined: the server has not reported yet, or cannot. */
  readonly facts: Facts | undefined
  readonly server: ServerState
}

/** The override lines in force. */
export interface LinesOverview {
  /** With their hits, on all servers if they share by Redis; undefined: there are no rules. */
  readonly lines: CountedLines | undefined
  /** undefined: there are no rules. */
  readonly index: LineIndex | undefined
}

/** Everything that is shown of a server. */
export interface Overview extends ServerOverview, LinesOverview {}

/** Where an overview comes from. */
export interface OverviewSource {
  /** The state folder, if it could be opened. */
  readonly folder: string | undefined
  readonly configuration: () => Configuration | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Runs work with what a message is decided by now. @throws Error while there are no rules */
  readonly withLookup: <T>(
    work: (configuration: Configuration, lookup: ExplanationLookup) => Promise<T>,
  ) => Promise<T>
  /** Haraka's queue folder. */
  readonly queueFolder: () => string
  /** Does this mail server itself listen there? */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Haraka's retry intervals, seconds. */
  readonly intervals: () => readonly number[]
}

/** Reads what the processes of the server report. */
export class OverviewReader {
  readonly #source: OverviewSource
  #index: LineIndex | undefined

  constructor(source: OverviewSource) {
    this.#source = source
  }

  /** In steps. @throws Error as `fs` does */
  *readServer(): Steps<ServerOverview> {
    const { folder, configuration: current, now: clock } = this.#source
    const now = clock()
    const configuration = current()
    const facts = folder === undefined ? undefined : yield* readFactsInSteps(folder, now)
    yield
    const server: ServerState =
      folder === undefined
        ? { kind: 'unknown', reason: 'there is no state folder' }
        : withWaiting(yield* readServerStateInSteps(folder, now), facts)
    const views: Views =
      configuration === undefined ? { relays: [], terms: [] } : yield* listViewsInSteps(configuration, server)
    return { now, configuration, facts, server, ...views }
  }

  /** In steps. @param scope as `LineIndex.count` @throws Error as `fs` does */
  *readLines(scope: HitScope): Steps<LinesOverview> {
    const { folder, configuration: current } = this.#source
    const rules = current()?.rules
    const index = rules === undefined ? undefined : yield* LineIndex.of(rules, this.#index)
    this.#index = index
    return { index, lines: index === undefined ? undefined : yield* index.count(folder, scope) }
  }
}
