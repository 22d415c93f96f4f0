import { ServerHealth } from './health'
import type { Log } from './log'
import type { Refusal, Reply } from './message'
import { Transport, type Ask, type ServerAsk, type TransportOptions } from './transport'
import type { Question, ServerAddress } from './types'

/** A server's own words: it lives, and asking it the same once more would bring the same. */
const ANSWERED_NO: ReadonlySet<string> = new Set([
  'EFORMERR',
  'ESERVFAIL',
  'ENOTIMP',
  'EREFUSED',
  'EBADVERS',
  'EREFERRAL',
])

/** A failure is told of when it is not the first in a row: a lost datagram is no news. */
const LOGGED_FROM = 2

const TIMED_OUT: Refusal = { kind: 'refusal', code: 'ETIMEOUT', reason: 'no reply in time' }

export interface UpstreamsOptions extends TransportOptions {
  /** Wait for one try, milliseconds. */
  readonly timeout: number
  /** Times the servers are gone through. */
  readonly tries: number
  /** Of the whole lookup, milliseconds. */
  readonly deadline: number
  /** New servers, if there are any; looked at before each question. */
  readonly changedServers?: () => readonly ServerAddress[] | undefined
  readonly log: Log
}

/** What is known of a server, for those who show it. */
export interface ServerStats {
  /** `ip#port`. */
  readonly server: string
  readonly transport: ServerAddress['transport']
  /** Smoothed round trip in milliseconds; absent before the first answer. */
  readonly rtt?: number
  /** Failures in a row; above 0 the server is asked last. */
  readonly failures: number
  readonly queries: number
}

interface Upstream {
  readonly name: string
  readonly address: ServerAddress
  readonly transport: Transport
  readonly health: ServerHealth
  queries: number
}

/** `server` is the one that gave the result, `ip#port`; for a refusal the last one asked. */
export type UpstreamDone = (result: Reply | Refusal, server: string) => void

/** Which server is asked, how long, and when to give up. */
export class Upstreams {
  readonly #options: UpstreamsOptions
  #upstreams: readonly Upstream[] = []
  /** Of servers that are configured no more, until their sockets are gone. */
  readonly #leaving = new Set<Transport>()
  readonly #probes = new Set<() => void>()

  constructor(options: UpstreamsOptions) {
    this.#options = options
  }

  /** Takes a new list of servers; those that stay keep what is known of them, queries under way go on. */
  setServers(servers: readonly ServerAddress[]): void {
    const before = new Map(this.#upstreams.map((upstream) => [keyOf(upstream.address), upstream]))
    const after = new Map<string, Upstream>()
    for (const address of servers) {
      const key = keyOf(address)
      if (!after.has(key)) after.set(key, before.get(key) ?? this.#create(address))
    }
    for (const [key, upstream] of before) if (!after.has(key)) this.#leaving.add(upstream.transport)
    for (const transport of this.#leaving) if (transport.open === 0) this.#leaving.delete(transport)
    this.#upstreams = [...after.values()]
  }

  /** Asks until a server answers or all have been tried. `done` is called once, later, unless cancelled. */
  ask(question: Question, done: UpstreamDone): Ask {
    const changed = this.#options.changedServers?.()
    if (changed !== undefined) this.setServers(changed)
    const order = this.#order()
    this.#probe(question, order)
    const run = new Run(order, question, this.#options, done)
    run.start()
    return run
  }

  stats(): ServerStats[] {
    return this.#upstreams.map(({ name, address, health, queries }) => ({
      server: name,
      transport: address.transport,
      ...(health.rtt === undefined ? {} : { rtt: health.rtt }),
      failures: health.failures,
      queries,
    }))
  }

  close(): void {
    for (const end of this.#probes) end()
    for (const { transport } of this.#upstreams) transport.close()
    for (const transport of this.#leaving) transport.close()
  }

  #create(address: ServerAddress): Upstream {
    return {
      name: `${address.address}#${address.port}`,
      address,
      transport: new Transport(address, this.#options),
      health: new ServerHealth(),
      queries: 0,
    }
  }

  /** Fastest first, those that fail last; else as configured. */
  #order(): readonly Upstream[] {
    if (this.#upstreams.length < 2) return this.#upstreams
    const order = [...this.#upstreams].sort((a, b) => compare(a.health.rank, b.health.rank))
    for (const upstream of order.slice(1)) upstream.health.passedOver()
    return order
  }

  /** Sends a copy of the question to a server that has failed, beside the real one: nobody waits for a dead server. */
  #probe(question: Question, order: readonly Upstream[]): void {
    const now = this.#options.now()
    for (const upstream of order.slice(1)) {
      if (!upstream.health.wantsProbe(now)) continue
      upstream.queries++
      const end = (): void => {
        clearTimeout(timer)
        ask.cancel()
        upstream.health.probeEnded()
        this.#probes.delete(end)
      }
      const ask = upstream.transport.ask(question, (result) => {
        end()
        if (result.kind === 'refusal') failed(upstream, result, this.#options)
        else answered(upstream, now, this.#options)
      })
      const timer = setTimeout(() => {
        end()
        failed(upstream, TIMED_OUT, this.#options)
      }, this.#options.timeout)
      timer.unref()
      this.#probes.add(end)
    }
  }
}

/** One question on its way through the servers. */
class Run implements Ask {
  readonly #order: readonly Upstream[]
  readonly #question: Question
  readonly #options: UpstreamsOptions
  readonly #done: UpstreamDone
  /** For one try: every server gets its turn before the deadline, else one that is dead would be asked first for ever. */
  readonly #wait: number
  /** Every try stays open until the end: a late reply is a reply. */
  readonly #asks: ServerAsk[] = []
  /** Servers that said no, or nonsense. Whether that is their fault shows when another answers. */
  readonly #doubtful = new Map<Upstream, Refusal>()
  /** Of these, the ones that are not asked again. */
  readonly #saidNo = new Set<Upstream>()
  #index = 0
  #timer: NodeJS.Timeout | undefined
  #over = false
  #last: Refusal = { kind: 'refusal', code: 'ENOSERVERS', reason: 'there is no server to ask' }
  #lastServer = ''

  constructor(order: readonly Upstream[], question: Question, options: UpstreamsOptions, done: UpstreamDone) {
    this.#order = order
    this.#question = question
    this.#options = options
    this.#done = done
    this.#wait = Math.min(options.timeout, options.deadline / order.length)
  }

  start(): void {
    if (this.#order.length === 0) queueMicrotask(() => this.#next())
    else this.#next()
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    for (const ask of this.#asks) ask.cancel()
  }

  #next(): void {
    if (this.#over) return
    const upstream = this.#choose()
    if (upstream === undefined) {
      this.#finish(this.#last, this.#lastServer)
      return
    }
    const started = this.#options.now()
    const place = this.#asks.length
    upstream.queries++
    this.#timer = setTimeout(() => {
      if (!upstream.health.heardSince(started)) failed(upstream, TIMED_OUT, this.#options)
      this.#asks[place]?.late()
      this.#refused(TIMED_OUT, upstream)
    }, this.#wait)
    const ask = upstream.transport.ask(this.#question, (result) => {
      if (this.#over) return
      if (result.kind !== 'refusal') {
        this.#answered(result, upstream, started)
      } else if (place === this.#asks.length - 1) {
        // Of one that was given up before, only a reply is of interest.
        this.#judge(result, upstream)
        this.#refused(result, upstream)
      }
    })
    this.#asks.push(ask)
  }

  #choose(): Upstream | undefined {
    const all = this.#order.length * this.#options.tries
    while (this.#index < all) {
      const upstream = this.#order[this.#index++ % this.#order.length]!
      if (!this.#saidNo.has(upstream)) return upstream
    }
    return undefined
  }

  #answered(reply: Reply, upstream: Upstream, started: number): void {
    answered(upstream, started, this.#options)
    for (const [other, refusal] of this.#doubtful) {
      if (other !== upstream) failed(other, refusal, this.#options)
    }
    this.#finish(reply, upstream.name)
  }

  #judge(refusal: Refusal, upstream: Upstream): void {
    const no = ANSWERED_NO.has(refusal.code)
    if (no) {
      upstream.health.heard(this.#options.now())
      this.#saidNo.add(upstream)
    }
    if (no || refusal.code === 'EBADRESP') this.#doubtful.set(upstream, refusal)
    else failed(upstream, refusal, this.#options)
  }

  #refused(refusal: Refusal, upstream: Upstream): void {
    clearTimeout(this.#timer)
    this.#last = refusal
    this.#lastServer = upstream.name
    this.#next()
  }

  #finish(result: Reply | Refusal, server: string): void {
    this.cancel()
    this.#done(result, server)
  }
}

function answered({ name, health }: Upstream, started: number, { now, log }: UpstreamsOptions): void {
  if (health.failures >= LOGGED_FROM) log('info', `DNS server ${name} answers again`)
  health.heard(now())
  health.answered(now() - started)
}

function failed({ name, health }: Upstream, refusal: Refusal, { now, log }: UpstreamsOptions): void {
  const before = health.failures
  health.failed(now())
  if (before < LOGGED_FROM && health.failures >= LOGGED_FROM) {
    log('warn', `DNS server ${name} fails: ${refusal.reason} (${refusal.code})`)
  }
}

function keyOf(server: ServerAddress): string {
  return `${server.transport} ${server.address} ${server.port} ${server.tlsName ?? ''}`
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}
