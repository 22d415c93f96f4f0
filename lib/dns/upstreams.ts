import { QueryRun, type QueryRunOptions, type Run, type RunDone } from './query-run'
import type { ServerStats } from './stats'
import type { QueryType, Question, ServerAddress } from './types'
import { isOwnWords, TIMED_OUT, Upstream, type UpstreamOptions } from './upstream'

export interface UpstreamsOptions extends UpstreamOptions, QueryRunOptions {
  /** The new servers, if they have changed. Called before each question. */
  readonly changedServers?: () => readonly ServerAddress[] | undefined
}

/** Servers that know the same names: which of them is asked first, and how each of them does. */
export class Upstreams {
  readonly #options: UpstreamsOptions
  #upstreams: readonly Upstream[] = []
  #keys: readonly string[] = []
  /** No longer configured, and still with open sockets. */
  readonly #leaving = new Set<Upstream>()
  /** Functions that each end one probe. */
  readonly #probes = new Set<() => void>()

  constructor(options: UpstreamsOptions) {
    this.#options = options
  }

  /** Takes a new list of servers. What is known of those that stay is kept, and queries under way go on. */
  setServers(servers: readonly ServerAddress[]): void {
    const before = new Map(this.#upstreams.map((upstream) => [keyOf(upstream.address), upstream]))
    const after = new Map<string, Upstream>()
    for (const address of servers) {
      const key = keyOf(address)
      if (!after.has(key)) after.set(key, before.get(key) ?? new Upstream(address, this.#options))
    }
    for (const [key, upstream] of before) if (!after.has(key)) this.#leaving.add(upstream)
    for (const upstream of this.#leaving) if (!upstream.isOpen) this.#leaving.delete(upstream)
    this.#upstreams = [...after.values()]
    this.#keys = [...after.keys()]
  }

  /** What distinguishes these servers from others, one text for each; the same array until they change. */
  get keys(): readonly string[] {
    this.#followChanges()
    return this.#keys
  }

  /** The addresses of the servers. */
  get addresses(): readonly string[] {
    return this.#upstreams.map(({ address }) => address.address)
  }

  /** Asks until a server answers or all have been tried. `done` is called once, later, unless the run is cancelled. */
  ask<T extends QueryType>(question: Question<T>, done: RunDone<T>): Run {
    this.#followChanges()
    const servers = this.#sortServers()
    this.#probe(question, servers)
    const run = new QueryRun(servers, question, this.#options, done)
    run.start()
    return run
  }

  stats(): Omit<ServerStats, 'zone'>[] {
    return this.#upstreams.map(({ stats }) => stats)
  }

  close(): void {
    for (const end of this.#probes) end()
    for (const upstream of [...this.#upstreams, ...this.#leaving]) upstream.close()
  }

  #followChanges(): void {
    const changed = this.#options.changedServers?.()
    if (changed !== undefined) this.setServers(changed)
  }

  /** As configured, or the fastest first; those that fail last. */
  #sortServers(): readonly Upstream[] {
    if (this.#upstreams.length < 2) return this.#upstreams
    if (this.#options.order === 'strict') {
      return this.#upstreams.some(({ health }) => health.isFailing)
        ? this.#upstreams.toSorted((a, b) => Number(a.health.isFailing) - Number(b.health.isFailing))
        : this.#upstreams
    }
    const sorted = this.#upstreams.toSorted((a, b) => compare(a.health.speedRank, b.health.speedRank))
    for (const upstream of sorted.slice(1)) upstream.health.noteSkipped()
    return sorted
  }

  /** Sends a copy of the question to a server that has failed, besides the real query: no lookup waits for a dead server. */
  #probe(question: Question, servers: readonly Upstream[]): void {
    const now = this.#options.now()
    for (const upstream of servers.slice(1))
      if (upstream.health.startProbe(now)) this.#sendProbe(question, upstream)
  }

  #sendProbe(question: Question, upstream: Upstream): void {
    const startedAt = this.#options.now()
    const end = (): void => {
      clearTimeout(timer)
      ask.cancel()
      upstream.health.endProbe()
      this.#probes.delete(end)
    }
    const ask = upstream.ask(question, (result) => {
      end()
      if (result.kind !== 'failure') upstream.noteAnswer(startedAt)
      else if (this.#options.order === 'strict' && isOwnWords(result)) upstream.noteOwnWords()
      else upstream.noteFailure(result)
    })
    const timer = setTimeout(() => {
      end()
      upstream.noteTimeout(question.type)
      upstream.noteFailure(TIMED_OUT)
    }, this.#options.timeoutMs)
    timer.unref()
    this.#probes.add(end)
  }
}

function keyOf(server: ServerAddress): string {
  return `${server.transport} ${server.address} ${server.port} ${server.tlsName ?? ''}`
}

// Infinity minus Infinity is not a number.
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}
