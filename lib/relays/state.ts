import type { RelayFailure } from '../model/failure'
import { exchangeKey, exchangeLabel, type Exchange } from '../model/exchange'
import { Breaker } from './breaker'
import type { Clock } from './clock'
import type { Hold } from './holds'
import { HourCount } from './hour-count'
import type { Limits, LimitService, LimitStatus } from './limit-types'
import { isPlace, LimitedPlaces, type NoPlace, type Place } from './limited-places'
import type { Snapshot } from './snapshot'
import type { StateFolder } from './state-folder'
import type {
  AcquireOptions,
  Availability,
  Lease,
  Refusal,
  RelayState,
  ServerStatus,
  WaitOptions,
} from './types'

export interface RelayStateOptions {
  readonly clock: Clock
  readonly log: { readonly info: (message: string) => void; readonly warn: (message: string) => void }
  /** Counts for all who share the limits. Closed with this. */
  readonly limits: LimitService
  /** What all together use of each limit, where this process counts it. */
  readonly limitStatus?: () => readonly LimitStatus[]
  /** Holds by hand, and where the state is shown; absent: neither. */
  readonly folder?: StateFolder
  /** This worker's number from 0: workers begin with different relays. */
  readonly workerIndex?: number
  /** Servers that are remembered; the ones longest unused and not in use are forgotten. */
  readonly capacity?: number
}

const CAPACITY = 10_000

interface Entry {
  name: string | undefined
  limitKey: string
  readonly breaker: Breaker
  readonly sent: HourCount
  connections: number
}

const formatTime = (at: number) => new Date(at).toISOString().slice(11, 19)

/** What limits a server. The name of a section, or the server itself, is what its limits are counted under. */
function limitsOf({ terms, relay, endpoint }: Pick<Exchange, 'terms' | 'relay' | 'endpoint'>): Limits {
  const { maxConnections, maxPerHour } = terms
  return {
    key: relay?.name ?? exchangeKey({ endpoint, ...(relay === undefined ? {} : { relay }) }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxPerHour === undefined ? {} : { maxPerHour }),
  }
}

const isLimited = ({ maxConnections, maxPerHour }: Limits) =>
  maxConnections !== undefined || maxPerHour !== undefined

/** Nothing to ask for, nothing to give back. */
const UNLIMITED: Place = { giveBack: () => {} }

/** What is known of relays in one process; only limits are counted together with others. */
export class LocalRelayState implements RelayState {
  readonly #options: RelayStateOptions
  readonly #entries = new Map<string, Entry>()
  readonly #places: LimitedPlaces
  #rotationOffset: number

  constructor(options: RelayStateOptions) {
    const { clock, folder, limits, log, workerIndex = 0 } = options
    this.#options = options
    this.#rotationOffset = workerIndex
    this.#places = new LimitedPlaces({ service: limits, monotonic: clock.monotonic })
    folder?.publish(
      () => this.#snapshot(),
      (holds) => log.info(`relays held by hand: ${holds.map(describeHold).join('; ') || 'none'}`),
    )
  }

  look(exchange: Exchange): Availability {
    const limits = limitsOf(exchange)
    const noPlace = isLimited(limits) ? this.#places.look(limits) : undefined
    return (
      this.#refusal(exchange, false) ??
      (noPlace === undefined ? { usable: true } : this.#overLimit(exchange, noPlace))
    )
  }

  acquire(
    exchange: Exchange,
    { lastResort = false }: AcquireOptions = {},
  ): Lease | Refusal | Promise<Lease | Refusal> {
    const refusal = this.#refusal(exchange, lastResort)
    if (refusal !== undefined) return refusal
    const { breaker } = this.#use(exchange)
    const now = this.#options.clock.wall()
    // Before the limit is asked for: nobody else may take the trial meanwhile.
    const freeTrial = breaker.view(now).state === 'half-open' ? breaker.takeTrial(now) : () => {}
    const limits = limitsOf(exchange)
    const place = isLimited(limits) ? this.#places.take(limits) : UNLIMITED
    return place instanceof Promise
      ? place.then((late) => this.#enter(exchange, late, freeTrial))
      : this.#enter(exchange, place, freeTrial)
  }

  whenFree(exchange: Exchange, wake: () => void, { first = false }: WaitOptions = {}): () => void {
    return this.#places.whenFree(limitsOf(exchange), wake, first)
  }

  noteFailure(exchange: Exchange, failure: RelayFailure): void {
    // Nothing was tried that a hold, an open breaker or somebody's trial would forbid.
    if (this.#refusal(exchange, false) === undefined) this.#fail(exchange, this.#use(exchange), failure)
  }

  nextRotationOffset(): Promise<number> {
    const offset = this.#rotationOffset
    this.#rotationOffset = (offset + 1) % Number.MAX_SAFE_INTEGER
    return Promise.resolve(offset)
  }

  status(): readonly ServerStatus[] {
    const now = this.#options.clock.wall()
    return [...this.#entries].map(([key, { name, limitKey, breaker, connections, sent }]) => {
      const view = breaker.view(now)
      const { lastFailure } = breaker
      return {
        key,
        ...(name === undefined ? {} : { name }),
        breaker: view.state === 'trial' ? 'half-open' : view.state,
        failures: breaker.failures,
        ...(lastFailure === undefined ? {} : { lastFailure }),
        ...(view.state === 'open' ? { retryAt: view.until } : {}),
        held: this.#holdOf(name) !== undefined,
        connections,
        waiting: this.#places.waiting(limitKey),
        sentLastHour: sent.total(this.#options.clock.monotonic()),
      }
    })
  }

  close(): void {
    this.#places.close()
    this.#options.folder?.close()
  }

  /** What came of asking for a place. */
  #enter(exchange: Exchange, place: Place | NoPlace, freeTrial: () => void): Lease | Refusal {
    if (!isPlace(place)) {
      freeTrial()
      return this.#overLimit(exchange, place)
    }
    const held = this.#heldRefusal(exchange)
    if (held !== undefined) {
      freeTrial()
      place.giveBack(false)
      return held
    }
    const entry = this.#use(exchange)
    entry.connections++
    this.#noteChange()
    let ended = false
    return {
      reportSuccess: () => {
        const before = entry.breaker.failures
        entry.breaker.succeeded()
        if (before === 0) return
        this.#options.log.info(`${exchangeLabel(exchange)} works again`)
        this.#noteChange()
      },
      reportFailure: (failure) => this.#fail(exchange, entry, failure),
      end: (delivered) => {
        if (ended) return
        ended = true
        freeTrial()
        entry.connections--
        if (delivered) entry.sent.add(this.#options.clock.monotonic())
        place.giveBack(delivered)
        this.#noteChange()
      },
    }
  }

  #fail(exchange: Exchange, entry: Entry, failure: RelayFailure): void {
    const now = this.#options.clock.wall()
    if (entry.breaker.failed(failure.message, exchange.terms.retryAfter, now)) {
      const view = entry.breaker.view(now)
      const seconds = view.state === 'open' ? Math.ceil((view.until - now) / 1000) : 0
      this.#options.log.warn(`${exchangeLabel(exchange)} is left out for ${seconds} s: ${failure.message}`)
    }
    this.#noteChange()
  }

  /** What this process knows for itself: holds and breakers. */
  #refusal(exchange: Exchange, lastResort: boolean): Refusal | undefined {
    const held = this.#heldRefusal(exchange)
    if (held !== undefined) return held
    const entry = this.#entries.get(exchangeKey(exchange))
    if (entry === undefined || lastResort) return undefined
    const label = exchangeLabel(exchange)
    const view = entry.breaker.view(this.#options.clock.wall())
    if (view.state === 'open') {
      const message = `${label} is left out until ${formatTime(view.until)} UTC: ${entry.breaker.lastFailure}`
      return { usable: false, why: 'breaker', message, until: view.until }
    }
    if (view.state === 'trial') {
      const message = `${label} is being tried by another message after: ${entry.breaker.lastFailure}`
      return { usable: false, why: 'breaker', message }
    }
    return undefined
  }

  #heldRefusal(exchange: Exchange): Refusal | undefined {
    const hold = this.#holdOf(exchange.relay?.name)
    if (hold === undefined) return undefined
    const until = hold.until === undefined ? '' : ` until ${formatTime(hold.until)} UTC`
    const reason = hold.reason === undefined ? '' : `: ${hold.reason}`
    return {
      usable: false,
      why: 'held',
      message: `${exchangeLabel(exchange)} is held by hand${until}${reason}`,
      ...(hold.until === undefined ? {} : { until: hold.until }),
    }
  }

  #overLimit(exchange: Exchange, { why, until }: NoPlace): Refusal {
    const { clock } = this.#options
    const { maxConnections, maxPerHour } = exchange.terms
    const label = exchangeLabel(exchange)
    const wallUntil = Math.ceil(clock.wall() + until - clock.monotonic())
    switch (why) {
      case 'quota':
        return {
          usable: false,
          why,
          message: `${label} has had its max_per_hour of ${maxPerHour}`,
          until: wallUntil,
        }
      case 'connections':
        return {
          usable: false,
          why,
          message: `${label} has its max_connections of ${maxConnections} in use`,
        }
      case 'unknown':
        return {
          usable: false,
          why: 'connections',
          message: `${label} has limits, and the master process does not say what is free`,
          until: wallUntil,
        }
    }
  }

  #holdOf(name: string | undefined): Hold | undefined {
    return name === undefined ? undefined : this.#options.folder?.holdOf(name)
  }

  #use(exchange: Exchange): Entry {
    const key = exchangeKey(exchange)
    const known = this.#entries.get(key)
    const entry = known ?? {
      name: undefined,
      limitKey: '',
      breaker: new Breaker(),
      sent: new HourCount(),
      connections: 0,
    }
    entry.name = exchange.relay?.name
    entry.limitKey = limitsOf(exchange).key
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
      if (entry.connections === 0) this.#entries.delete(key)
    }
  }

  #noteChange(): void {
    this.#options.folder?.noteChange()
  }

  #snapshot(): Snapshot {
    const { folder, limitStatus } = this.#options
    return {
      role: 'worker',
      servers: this.status(),
      holds: (folder?.holds() ?? []).map(({ name, since }) => ({ name, since })),
      ...(limitStatus === undefined ? {} : { limits: limitStatus() }),
    }
  }
}

function describeHold({ name, until, reason }: Hold): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`
  return `${name}${end}${reason === undefined ? '' : ` (${reason})`}`
}

/** What is known of relays, in this process. */
export function createRelayState(options: RelayStateOptions): RelayState {
  return new LocalRelayState(options)
}
