import { exchangeKey, exchangeLabel, type Exchange } from '../model/exchange'
import { Breaker } from './breaker'
import { Connections, HourCount } from './limits'
import { WaitingLine } from './waiting-line'
import { shareOf, type Worker } from './share'
import type { StateFolder } from './state-folder'
import {
  type AcquireOptions,
  type Availability,
  isRefusal,
  type Lease,
  type ServerStatus,
  type Refusal,
  type RelayState,
  type WaitOptions,
} from './types'
import type { RelayFailure } from '../model/failure'

export interface RelayStateOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: { readonly info: (message: string) => void; readonly warn: (message: string) => void }
  /** Worker processes that share the limits. */
  readonly workers: number
  /** Holds by hand, and where the state is shown; absent: neither. */
  readonly folder?: StateFolder
  /** This worker's number from 0, for when the folder cannot tell. */
  readonly workerIndex?: number
  /** Servers that are remembered; the ones longest unused and not in use are forgotten. */
  readonly capacity?: number
}

/** With fewer connections than workers, a worker's turn, and the part of it in which nothing is begun. */
const CONNECTION_SLICE = 20_000
const CONNECTION_IDLE = 5_000
/** The same for a quota: an hour to send in, an hour of silence, so that no 60 minutes see two workers. */
const QUOTA_SLICE = 7_200_000
const QUOTA_IDLE = 3_600_000

const CAPACITY = 10_000

interface Entry {
  name: string | undefined
  readonly breaker: Breaker
  readonly connections: Connections
  readonly sent: HourCount
  readonly line: WaitingLine
}

const clock = (at: number) => new Date(at).toISOString().slice(11, 19)

/** The state of relays inside one process. */
export class LocalRelayState implements RelayState {
  readonly #options: RelayStateOptions
  readonly #entries = new Map<string, Entry>()
  #rotationOffset: number

  constructor(options: RelayStateOptions) {
    this.#options = options
    // Workers begin with different relays.
    this.#rotationOffset = this.#worker().index
    for (const { key, sent } of options.folder?.inherited ?? []) {
      const entry = this.#entry(key, undefined)
      for (const [at, amount] of sent) entry.sent.add(at, amount)
    }
    options.folder?.publish(
      () => this.#snapshot(),
      (names) => {
        options.log.info(`relays held by hand: ${names.join(', ') || 'none'}`)
        this.#changed()
      },
    )
  }

  look(exchange: Exchange): Availability {
    return this.#refusal(exchange, false, false) ?? { usable: true }
  }

  acquire(exchange: Exchange, { lastResort = false }: AcquireOptions = {}): Lease | Refusal {
    return this.enter(exchange, lastResort)
  }

  whenFree(exchange: Exchange, wake: () => void, { first = false }: WaitOptions = {}): () => void {
    return this.#use(exchange).line.add(wake, first)
  }

  noteFailure(exchange: Exchange, failure: RelayFailure): void {
    const answer = this.enter(exchange, false)
    if (isRefusal(answer)) return
    answer.reportFailure(failure)
    answer.end(false)
  }

  enter(exchange: Exchange, lastResort: boolean): Lease | Refusal {
    const refusal = this.#refusal(exchange, lastResort, true)
    if (refusal !== undefined) return refusal
    const now = this.#options.now()
    const entry = this.#use(exchange)
    const freeTrial = entry.breaker.view(now).state === 'half-open' ? entry.breaker.takeTrial(now) : undefined
    const leave = entry.connections.take(now)
    this.#changed()
    let ended = false
    return {
      reportSuccess: () => {
        const before = entry.breaker.failures
        entry.breaker.succeeded()
        if (before === 0) return
        this.#options.log.info(`${exchangeLabel(exchange)} works again`)
        this.#changed()
      },
      reportFailure: (failure) => this.#failed(exchange, entry, failure),
      end: (delivered) => {
        if (ended) return
        ended = true
        const at = this.#options.now()
        freeTrial?.()
        leave(at)
        if (delivered) entry.sent.add(at)
        entry.line.wakeFirst()
        this.#changed()
      },
    }
  }

  nextRotationOffset(): Promise<number> {
    const offset = this.#rotationOffset
    this.#rotationOffset = (offset + 1) % Number.MAX_SAFE_INTEGER
    return Promise.resolve(offset)
  }

  status(): readonly ServerStatus[] {
    const now = this.#options.now()
    return [...this.#entries].map(([key, { name, breaker, connections, sent }]) => {
      const view = breaker.view(now)
      const { lastFailure } = breaker
      return {
        key,
        ...(name === undefined ? {} : { name }),
        breaker: view.state === 'trial' ? 'half-open' : view.state,
        failures: breaker.failures,
        ...(lastFailure === undefined ? {} : { lastFailure }),
        ...(view.state === 'open' ? { retryAt: view.until } : {}),
        held: this.#held(name),
        connections: connections.used,
        sentLastHour: sent.total(now),
      }
    })
  }

  close(): void {
    this.#options.folder?.close()
  }

  #failed(exchange: Exchange, entry: Entry, failure: RelayFailure): void {
    const now = this.#options.now()
    if (entry.breaker.failed(failure.message, exchange.terms.retryAfter, now)) {
      const view = entry.breaker.view(now)
      const seconds = view.state === 'open' ? Math.ceil((view.until - now) / 1000) : 0
      this.#options.log.warn(`${exchangeLabel(exchange)} is left out for ${seconds} s: ${failure.message}`)
    }
    this.#changed()
  }

  /** @param taking a message wants to go there now, and comes again when told to */
  #refusal(exchange: Exchange, lastResort: boolean, taking: boolean): Refusal | undefined {
    const now = this.#options.now()
    const label = exchangeLabel(exchange)
    if (this.#held(exchange.relay?.name)) {
      return { usable: false, why: 'held', message: `${label} is held by hand` }
    }
    const entry = this.#entries.get(exchangeKey(exchange))
    if (entry !== undefined && !lastResort) {
      const view = entry.breaker.view(now)
      if (view.state === 'open') {
        const message = `${label} is left out until ${clock(view.until)} UTC: ${entry.breaker.lastFailure}`
        return { usable: false, why: 'breaker', message, until: view.until }
      }
      if (view.state === 'trial') {
        const message = `${label} is being tried by another message after: ${entry.breaker.lastFailure}`
        return { usable: false, why: 'breaker', message }
      }
    }
    return this.#overLimit(exchange, entry, now, label, taking)
  }

  #overLimit(
    exchange: Exchange,
    entry: Entry | undefined,
    now: number,
    label: string,
    taking: boolean,
  ): Refusal | undefined {
    const worker = this.#worker()
    const used = entry?.connections.used ?? 0
    const { maxConnections, maxPerHour } = exchange.terms
    if (maxPerHour !== undefined) {
      const share = shareOf(maxPerHour, worker, now, QUOTA_SLICE, QUOTA_IDLE)
      if ((entry?.sent.total(now) ?? 0) + used >= share.amount) {
        const until = share.amount === 0 ? share.until : entry?.sent.freeAt(now)
        const message = `${label} has had its max_per_hour of ${maxPerHour}${part(maxPerHour, share.amount)}`
        return { usable: false, why: 'quota', message, ...(until === undefined ? {} : { until }) }
      }
    }
    if (maxConnections !== undefined) {
      const share = shareOf(maxConnections, worker, now, CONNECTION_SLICE, CONNECTION_IDLE)
      if (used >= share.amount) {
        const soonest = taking ? this.#use(exchange).connections.comeAgain(share.amount, now) : now
        const until = share.amount === 0 ? Math.max(soonest, share.until ?? now) : soonest
        const message = `${label} has its max_connections of ${maxConnections} in use${part(maxConnections, share.amount)}`
        return { usable: false, why: 'connections', message, until }
      }
    }
    return undefined
  }

  #held(name: string | undefined): boolean {
    return name !== undefined && (this.#options.folder?.held(name) ?? false)
  }

  #worker(): Worker {
    const { folder, workers, workerIndex = 0 } = this.#options
    return { index: folder?.rank() ?? workerIndex, count: Math.max(workers, 1) }
  }

  #use(exchange: Exchange): Entry {
    return this.#entry(exchangeKey(exchange), exchange.relay?.name)
  }

  #entry(key: string, name: string | undefined): Entry {
    const known = this.#entries.get(key)
    const entry = known ?? {
      name,
      breaker: new Breaker(),
      connections: new Connections(),
      sent: new HourCount(),
      line: new WaitingLine(),
    }
    entry.name = name
    // The order of the map is the order of use.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (known === undefined) this.#forget()
    return entry
  }

  #forget(): void {
    const capacity = this.#options.capacity ?? CAPACITY
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= capacity) return
      if (entry.connections.used === 0 && entry.line.length === 0) this.#entries.delete(key)
    }
  }

  #changed(): void {
    this.#options.folder?.changed()
  }

  #snapshot() {
    const now = this.#options.now()
    const sent = Object.fromEntries([...this.#entries].map(([key, entry]) => [key, entry.sent.entries(now)]))
    return { servers: this.status(), sent }
  }
}

const part = (limit: number, share: number) => (share === limit ? '' : ` (${share} for this worker)`)

/** What is known of relays, in this process. */
export function createRelayState(options: RelayStateOptions): RelayState {
  return new LocalRelayState(options)
}
