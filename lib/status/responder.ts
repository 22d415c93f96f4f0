import { DEFAULT_STATUS } from '../config/settings'
import type { StatusSettings } from '../config/types'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../routing/configuration'
import { finishInSteps, type Steps } from '../model/steps'
import { accessTest, type Client } from './access'
import { findWarnings, type Warnings } from './check-warnings'
import { BoundedWork } from './bounded-work'
import { explainForm } from './explain-form'
import type { HitScope } from './facts-file'
import { findProblems } from './health-problems'
import { formatMetrics } from './metrics'
import { OneAtATime } from './one-at-a-time'
import {
  type LinesOverview,
  type Overview,
  OverviewReader,
  type OverviewSource,
  type ServerOverview,
} from './overview'
import { PAGE_POLICY, renderPage } from './page/page'
import { type PageQuery, readQuery } from './page/query'
import { RecentValue } from './recent-value'
import { type QueueView, viewQueue } from './queue-view'
import { hitScopeOf } from './sharing'
import { tellStory } from './tell-story'

/** A request, as far as it is looked at. */
export interface StatusRequest {
  readonly method: string
  /** From the root of the status page, with the query; without a slash in front: of the root itself. */
  readonly url: string
  readonly client: Client
}

export interface StatusResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Time for which a page waits for the warnings of check, milliseconds. */
const PATIENCE_MS = 500

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
} as const

const TEXT = 'text/plain; charset=utf-8'
/** Prometheus' text format. */
const METRICS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'

function respond(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): StatusResponse {
  return { status, headers: { ...SAFE_HEADERS, 'content-type': TEXT, ...headers }, body }
}

/** The status page, its metrics and health: reads, and changes nothing. */
export class StatusResponder {
  readonly #source: OverviewSource
  readonly #work = new BoundedWork()
  readonly #turns = new OneAtATime()
  readonly #server: RecentValue<ServerOverview>
  readonly #lines: Readonly<Record<HitScope, RecentValue<LinesOverview>>>
  #warnings: { readonly configuration: Configuration; readonly found: Promise<Warnings> } | undefined
  #access: { readonly settings: StatusSettings; readonly test: ReturnType<typeof accessTest> } | undefined

  constructor(source: OverviewSource) {
    this.#source = source
    const reader = new OverviewReader(source)
    this.#server = new RecentValue(() => this.#inTurn(reader.readServer()))
    const readLines = (scope: HitScope) => new RecentValue(() => this.#inTurn(reader.readLines(scope)))
    this.#lines = { server: readLines('server'), all: readLines('all') }
  }

  /** @throws Error as `fs` does */
  async answer({ method, url, client }: StatusRequest): Promise<StatusResponse> {
    const refusal = this.#accessTest()(client)
    if (refusal !== undefined) return respond(403, `403: ${refusal}\n`)
    if (method !== 'GET') return respond(405, '405: GET only\n', { allow: 'GET' })
    // The page's links are relative.
    if (!url.startsWith('/')) return respond(301, '', { location: `dns-overrides/${url}` })
    const address = `http://localhost${url}`
    if (!URL.canParse(address)) return respond(400, '400: not an address\n')
    const { pathname, searchParams } = new URL(address)
    switch (pathname) {
      case '/':
        return respond(200, await this.#renderPage(readQuery(searchParams)), {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': PAGE_POLICY,
        })
      case '/metrics': {
        const overview = await this.#look()
        const { lines: ownLines } = await this.#lines.server.get()
        const text = await this.#turns.run(() => formatMetrics({ ...overview, ownLines }))
        return respond(200, text, { 'content-type': METRICS_TEXT })
      }
      case '/health': {
        const problems = findProblems(await this.#server.get())
        const body = { status: problems.length === 0 ? 'ok' : 'failing', problems }
        return respond(problems.length === 0 ? 200 : 503, `${JSON.stringify(body, undefined, 2)}\n`, {
          'content-type': 'application/json; charset=utf-8',
        })
      }
      default:
        return respond(
          404,
          '404: there are /dns-overrides/, /dns-overrides/metrics and /dns-overrides/health\n',
        )
    }
  }

  async #renderPage(query: PageQuery): Promise<string> {
    const overview = await this.#look()
    const source = this.#source
    const { explain, id } = query
    const [explanation, storyAnswer, queue, warnings] = await Promise.all([
      explain.to === '' ? undefined : this.#work.run(() => explainForm(explain, overview, source)),
      id === undefined ? undefined : this.#work.run(() => tellStory(id, overview, source)),
      this.#lookIntoQueue(overview),
      this.#warningsOf(overview),
    ])
    const host = hostname()
    const content = { overview, query, explanation, storyAnswer, queue, warnings, host }
    return this.#inTurn(renderPage(content))
  }

  /** undefined: the queue cannot be read. */
  async #lookIntoQueue(overview: Overview): Promise<QueueView | undefined> {
    try {
      return await this.#inTurn(viewQueue(this.#source.queueFolder(), overview))
    } catch {
      return undefined
    }
  }

  /** Looked for once for each configuration; a page does not wait long for them. */
  async #warningsOf({ configuration }: Overview): Promise<Warnings> {
    if (configuration === undefined) return { kind: 'not looked for' }
    if (this.#warnings?.configuration !== configuration) {
      this.#warnings = { configuration, found: findWarnings(configuration, this.#source.intervals()) }
    }
    return Promise.race([
      this.#warnings.found,
      sleep(PATIENCE_MS, { kind: 'pending' } as const, { ref: false }),
    ])
  }

  #accessTest(): ReturnType<typeof accessTest> {
    const settings = this.#source.configuration()?.settings.status ?? DEFAULT_STATUS
    if (this.#access?.settings !== settings) this.#access = { settings, test: accessTest(settings) }
    return this.#access.test
  }

  async #look(): Promise<Overview> {
    const server = await this.#server.get()
    return { ...server, ...(await this.#lines[hitScopeOf(server.facts)].get()) }
  }

  #inTurn<T>(steps: Steps<T>): Promise<T> {
    return this.#turns.run(() => finishInSteps(steps))
  }
}
