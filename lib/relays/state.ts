import type { RelayFailure } from '../model/failure'
import { exchangeKey, exchangeLabel, sectionName, type Exchange } from '../model/exchange'
import { Breaker } from './breaker'
import type { Clock } from './clock'
import type { Hold } from './holds'
import { HourCount } from './hour-count'
import type { LimitService, LimitStatus } from './limit-types'
import { isPlace, LimitedPlaces, type NoPlace, type Place } from './limited-places'
import { explainBreaker, explainHold, explainLimit } from './unavailable'
import { breakerKey, isLimited, limitsOf, useKey } from './section'
import type { Snapshot } from './snapshot'
import type { StateFolder } from './state-folder'
import type {
  AcquireOptions,
  Availability,
  Lease,
  Unavailable,
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
/** Servers of direct mail that are left out and shown: a stranger's domains may name any number. */
const MOST_SHOWN = 100

/** What is known of one server. Of terms of direct mail: one for all their servers together, and one for each that failed. */
interface ServerRecord {
  /** `[user@]host:port`, or the title of terms. */
  readonly key: string
  name: string | undefined
  /** Of a server of direct mail: the title of its terms. */
  readonly terms: string | undefined
  limitKey: string
  readonly breaker: Breaker
  readonly sent: HourCount
  connections: number
}

/** Nothing to ask for, nothing to give back. */
const UNLIMITED: Place = { giveBack: () => {} }
/** The same for a trial. */
const NO_TRIAL = () => {}

/** What is known of relays in one process; only limits are counted together with others. */
export class LocalRelayState implements RelayState {
  readonly #options: RelayStateOptions
  readonly #entries = new Map<string, ServerRecord>()
  readonly #places: LimitedPlaces
  readonly #holdsListeners: (() => void)[] = []
  #rotationOffset: number

  constructor(options: RelayStateOptions) {
    const { clock, folder, limits, log, workerIndex = 0 } = options
    this.#options = options
    this.#rotationOffset = workerIndex
    this.#places = new LimitedPlaces({ service: limits, monotonic: clock.monotonic })
    folder?.publish(
      () => this.#snapshot(),
      (holds) => {
        log.info(`relays held by hand: ${holds.map(describeHoldBriefly).join('; ') || 'none'}`)
        for (const listener of this.#holdsListeners) listener()
      },
    )
  }

  onHoldsChange(listener: () => void): void {
    this.#holdsListeners.push(listener)
  }

  look(exchange: Exchange): Availability {
    const limits = limitsOf(exchange)
    const noPlace = isLimited(limits) ? this.#places.look(limits) : undefined
    return (
      this.#whyUnavailable(exchange, false) ??
      (noPlace === undefined ? { usable: true } : explainLimit(exchange, noPlace, this.#options.clock))
    )
  }

  acquire(
    exchange: Exchange,
    { lastResort = false }: AcquireOptions = {},
  ): Lease | Unavailable | Promise<Lease | Unavailable> {
    const unavailable = this.#whyUnavailable(exchange, lastResort)
    if (unavailable !== undefined) return unavailable
    this.#use(exchange)
    // Before the limit is asked for: nobody else may take the trial meanwhile.
    const freeTrial = this.#takeTrial(exchange)
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
    if (this.#whyUnavailable(exchange, false) === undefined) this.#fail(exchange, failure)
  }

  nextRotationOffset(): Promise<number> {
    const offset = this.#rotationOffset
    this.#rotationOffset = (offset + 1) % Number.MAX_SAFE_INTEGER
    return Promise.resolve(offset)
  }

  status(): readonly ServerStatus[] {
    const { wall, monotonic } = this.#options.clock
    const now = wall()
    const entries = [...this.#entries.values()]
    const leftOut = entries.filter(
      ({ terms, breaker }) => terms !== undefined && breaker.view(now).state === 'open',
    )
    const shown = [...entries.filter(({ terms }) => terms === undefined), ...leftOut.slice(-MOST_SHOWN)]
    return shown.map(({ key, name, terms, limitKey, breaker, connections, sent }): ServerStatus => {
      const view = breaker.view(now)
      const { lastFailure } = breaker
      return {
        key,
        ...(name === undefined ? {} : { name }),
        ...(terms === undefined ? {} : { terms }),
        breaker: view.state === 'trial' ? 'half-open' : view.state,
        failures: breaker.failures,
        ...(lastFailure === undefined ? {} : { lastFailure }),
        ...(view.state === 'open' ? { retryAt: view.until } : {}),
        held: this.#holdOf(name) !== undefined,
        connections,
        waiting: terms === undefined ? this.#places.waiting(limitKey) : 0,
        sentLastHour: sent.total(monotonic()),
      }
    })
  }

  close(): void {
    this.#places.close()
    this.#options.folder?.close()
  }

  /** What came of asking for a place. */
  #enter(exchange: Exchange, place: Place | NoPlace, freeTrial: () => void): Lease | Unavailable {
    const unavailable = isPlace(place)
      ? this.#whyHeld(exchange)
      : explainLimit(exchange, place, this.#options.clock)
    if (unavailable !== undefined || !isPlace(place)) {
      freeTrial()
      if (isPlace(place)) place.giveBack(false)
      return unavailable!
    }
    return this.#lease(exchange, place, freeTrial)
  }

  #lease(exchange: Exchange, place: Place, freeTrial: () => void): Lease {
    const entry = this.#use(exchange)
    entry.connections++
    this.#noteChange()
    let current = { exchange, freeTrial }
    let ended = false
    return {
      reportSuccess: () => this.#succeed(current.exchange),
      reportFailure: (failure) => this.#fail(current.exchange, failure),
      moveTo: (next) => {
        const unavailable = this.#whyUnavailable(next, false)
        if (unavailable !== undefined) return unavailable
        current.freeTrial()
        current = { exchange: next, freeTrial: this.#takeTrial(next) }
        return undefined
      },
      end: (delivered) => {
        if (ended) return
        ended = true
        current.freeTrial()
        entry.connections--
        if (delivered) entry.sent.add(this.#options.clock.monotonic())
        place.giveBack(delivered)
        this.#noteChange()
      },
    }
  }

  /** As {@link Breaker.takeTrial}, if the server has a breaker that is half-open. */
  #takeTrial(exchange: Exchange): () => void {
    const breaker = this.#entries.get(breakerKey(exchange))?.breaker
    const now = this.#options.clock.wall()
    return breaker?.view(now).state === 'half-open' ? breaker.takeTrial(now) : NO_TRIAL
  }

  #succeed(exchange: Exchange): void {
    const key = breakerKey(exchange)
    const entry = this.#entries.get(key)
    const before = entry?.breaker.failures ?? 0
    entry?.breaker.noteSuccess()
    // Of the servers of direct mail only those that failed are known.
    if (entry?.terms !== undefined) this.#entries.delete(key)
    if (before === 0) return
    this.#options.log.info(`${exchangeLabel(exchange)} works again`)
    this.#noteChange()
  }

  #fail(exchange: Exchange, failure: RelayFailure): void {
    const { retryAfterMs } = exchange.terms
    if (retryAfterMs === undefined) return
    const now = this.#options.clock.wall()
    const { breaker } = this.#server(exchange)
    if (breaker.noteFailure(failure.message, retryAfterMs, now)) {
      const view = breaker.view(now)
      const seconds = view.state === 'open' ? Math.ceil((view.until - now) / 1000) : 0
      this.#options.log.warn(`${exchangeLabel(exchange)} is left out for ${seconds} s: ${failure.message}`)
    }
    this.#noteChange()
  }

  /** What this process knows for itself: holds and breakers. */
  #whyUnavailable(exchange: Exchange, lastResort: boolean): Unavailable | undefined {
    const held = this.#whyHeld(exchange)
    if (held !== undefined || lastResort) return held
    const breaker = this.#entries.get(breakerKey(exchange))?.breaker
    return breaker && explainBreaker(exchange, breaker, this.#options.clock.wall())
  }

  #whyHeld(exchange: Exchange): Unavailable | undefined {
    const hold = this.#holdOf(sectionName(exchange))
    return hold && explainHold(exchange, hold)
  }

  #holdOf(name: string | undefined): Hold | undefined {
    return name === undefined ? undefined : this.#options.folder?.holdOf(name)
  }

  /** What is counted of the server, or of all servers of the same terms. */
  #use(exchange: Exchange): ServerRecord {
    const entry = this.#entry(useKey(exchange), { key: useKey(exchange), terms: undefined })
    entry.name = sectionName(exchange)
    entry.limitKey = limitsOf(exchange).key
    return entry
  }

  /** What has the breaker of the server. */
  #server(exchange: Exchange): ServerRecord {
    const key = breakerKey(exchange)
    return key === useKey(exchange)
      ? this.#use(exchange)
      : this.#entry(key, { key: exchangeKey(exchange), terms: useKey(exchange) })
  }

  #entry(id: string, made: Pick<ServerRecord, 'key' | 'terms'>): ServerRecord {
    const known = this.#entries.get(id)
    const entry = known ?? {
      ...made,
      name: undefined,
      limitKey: '',
      breaker: new Breaker(),
      sent: new HourCount(),
      connections: 0,
    }
    // The order of the map is the order of use.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
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

function describeHoldBriefly({ name, until, reason }: Hold): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`
  return `${name}${end}${reason === undefined ? '' : ` (${reason})`}`
}
