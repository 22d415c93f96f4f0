import type { RelayFailure } from '../model/failure'
import { exchangeLabel, sectionName, type Exchange } from '../model/exchange'
import type { BreakerSharing, HeldTrial } from './breaker-sharing'
import type { Clock } from './clock'
import type { Hold } from './holds'
import type { LimitService, LimitStatus } from './limit-types'
import { isPlace, LimitedPlaces, type NoPlace, type Place } from './limited-places'
import { isRefused, Trials } from './trials'
import { explainBreaker, explainHold, explainLimit } from './unavailable'
import { breakerKey, isLimited, limitsOf } from './section'
import { ServerLease, type LeaseServices } from './server-lease'
import { type ServerRecord, ServerRecords } from './server-records'
import { LocalRotation, type Rotation } from './rotation'
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
  /** Counts for all processes that share the limits. It is closed with this. */
  readonly limits: LimitService
  /** How much of each limit all processes use together, if this process counts it. */
  readonly limitStatus?: () => readonly LimitStatus[]
  /** Holds by hand, and the place where the state is shown; absent: neither. */
  readonly folder?: StateFolder
  /** Shares breakers with other processes; absent if this process only knows its own. */
  readonly sharing?: BreakerSharing
  /** Absent: the rotation of this process, from 0. */
  readonly rotation?: Rotation
  /** The most servers that are remembered. Those that have not been used for the longest time are forgotten. */
  readonly capacity?: number
}

const CAPACITY = 10_000
/** The most servers of direct mail that are shown as left out: the domains of a stranger may name any number. */
const MOST_SHOWN = 100

/** Nothing to ask for, nothing to give back. */
const UNLIMITED: Place = { giveBack: () => {} }

/** What one process knows of relays. Only limits are counted together with other processes. */
export class LocalRelayState implements RelayState {
  readonly #options: RelayStateOptions
  readonly #records: ServerRecords
  readonly #trials: Trials
  readonly #places: LimitedPlaces
  readonly #comebackListeners: (() => void)[] = []
  readonly #rotation: Rotation
  readonly #leasing: LeaseServices = {
    succeed: (exchange) => this.#succeed(exchange),
    fail: (exchange, failure) => this.#fail(exchange, failure),
    askTrial: (exchange) => this.#whyUnavailable(exchange, false) ?? this.#trials.take(exchange, false),
    leave: (record, place, delivered) => this.#leave(record, place, delivered),
  }

  constructor(options: RelayStateOptions) {
    const { clock, folder, limits, log, rotation = new LocalRotation() } = options
    this.#options = options
    this.#rotation = rotation
    this.#records = new ServerRecords({
      wall: clock.wall,
      capacity: options.capacity ?? CAPACITY,
      sharing: options.sharing,
      onAdopt: (isWell) => {
        this.#noteChange()
        if (isWell) this.#noteComeback()
      },
    })
    this.#trials = new Trials({ records: this.#records, sharing: options.sharing, wall: clock.wall })
    this.#places = new LimitedPlaces({ service: limits, monotonic: clock.monotonic })
    folder?.publish(
      () => this.#snapshot(),
      (holds) => {
        log.info(`relays held by hand: ${holds.map(describeHoldBriefly).join('; ') || 'none'}`)
        this.#noteComeback()
      },
    )
  }

  know(exchanges: readonly Exchange[]): void {
    this.#records.expect(exchanges)
    this.#places.know(exchanges.map(limitsOf).filter(isLimited))
  }

  onComeback(listener: () => void): void {
    this.#comebackListeners.push(listener)
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
    this.#records.use(exchange)
    // Before the limit is asked, so that nobody else takes the trial meanwhile.
    const trial = this.#trials.take(exchange, lastResort)
    return trial instanceof Promise
      ? trial.then((late) => this.#takePlace(exchange, late))
      : this.#takePlace(exchange, trial)
  }

  whenFree(exchange: Exchange, wake: () => void, { first = false }: WaitOptions = {}): () => void {
    return this.#places.whenFree(limitsOf(exchange), wake, first)
  }

  noteFailure(exchange: Exchange, failure: RelayFailure): void {
    // A hold, an open breaker or another trial forbids it, so nothing is asked.
    if (this.#whyUnavailable(exchange, false) === undefined) this.#fail(exchange, failure)
  }

  nextRotationOffset(): Promise<number> {
    return Promise.resolve(this.#rotation.next())
  }

  status(): readonly ServerStatus[] {
    return [...this.#statuses()]
  }

  close(): void {
    this.#places.close()
    this.#options.folder?.close()
  }

  #takePlace(
    exchange: Exchange,
    trial: HeldTrial | Unavailable,
  ): Lease | Unavailable | Promise<Lease | Unavailable> {
    if (isRefused(trial)) return trial
    const limits = limitsOf(exchange)
    const place = isLimited(limits) ? this.#places.take(limits) : UNLIMITED
    return place instanceof Promise
      ? place.then((late) => this.#enter(exchange, late, trial))
      : this.#enter(exchange, place, trial)
  }

  /** The result of asking for a place. */
  #enter(exchange: Exchange, place: Place | NoPlace, trial: HeldTrial): Lease | Unavailable {
    const unavailable = isPlace(place)
      ? this.#whyHeld(exchange)
      : explainLimit(exchange, place, this.#options.clock)
    if (unavailable !== undefined || !isPlace(place)) {
      trial.free()
      if (isPlace(place)) place.giveBack(false)
      return unavailable!
    }
    return this.#lease(exchange, place, trial)
  }

  #lease(exchange: Exchange, place: Place, trial: HeldTrial): Lease {
    const record = this.#records.use(exchange)
    record.connections++
    this.#noteChange()
    return new ServerLease(this.#leasing, exchange, record, place, trial)
  }

  #leave(record: ServerRecord, place: Place, delivered: boolean): void {
    record.connections--
    if (delivered) record.sent.add(this.#options.clock.monotonic())
    place.giveBack(delivered)
    this.#noteChange()
  }

  #succeed(exchange: Exchange): void {
    if (!this.#records.noteSuccess(exchange)) return
    this.#options.sharing?.send(breakerKey(exchange))
    this.#options.log.info(`${exchangeLabel(exchange)} works again`)
    this.#noteChange()
    this.#noteComeback()
  }

  #fail(exchange: Exchange, failure: RelayFailure): void {
    const { retryAfterMs } = exchange.terms
    if (retryAfterMs === undefined) return
    const now = this.#options.clock.wall()
    const { breaker } = this.#records.server(exchange)
    if (breaker.noteFailure(failure.message, retryAfterMs, now)) {
      this.#options.sharing?.send(breakerKey(exchange))
      const view = breaker.view(now)
      const seconds = view.state === 'open' ? Math.ceil((view.until - now) / 1000) : 0
      this.#options.log.warn(`${exchangeLabel(exchange)} is left out for ${seconds} s: ${failure.message}`)
    }
    this.#noteChange()
  }

  /** What this process knows by itself: holds and breakers. */
  #whyUnavailable(exchange: Exchange, lastResort: boolean): Unavailable | undefined {
    const held = this.#whyHeld(exchange)
    if (held !== undefined || lastResort) return held
    const breaker = this.#records.breaker(exchange)
    return breaker && explainBreaker(exchange, breaker, this.#options.clock.wall())
  }

  #whyHeld(exchange: Exchange): Unavailable | undefined {
    const hold = this.#holdOf(sectionName(exchange))
    return hold && explainHold(exchange, hold)
  }

  #holdOf(name: string | undefined): Hold | undefined {
    return name === undefined ? undefined : this.#options.folder?.holdOf(name)
  }

  #noteComeback(): void {
    for (const listener of this.#comebackListeners) listener()
  }

  #noteChange(): void {
    this.#options.folder?.noteChange()
  }

  /** They are made one by one, because there may be 10,000. */
  *#statuses(): Generator<ServerStatus, void> {
    const { wall, monotonic } = this.#options.clock
    const now = wall()
    const entries = [...this.#records]
    const leftOut = entries.filter(
      ({ terms, breaker }) => terms !== undefined && breaker.view(now).state === 'open',
    )
    const shown = [...entries.filter(({ terms }) => terms === undefined), ...leftOut.slice(-MOST_SHOWN)]
    for (const { key, name, terms, limitKey, breaker, connections, sent } of shown) {
      const view = breaker.view(now)
      const { lastFailure } = breaker
      yield {
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
    }
  }

  #snapshot(): Snapshot {
    const { folder, limitStatus } = this.#options
    return {
      role: 'worker',
      servers: this.#statuses(),
      holds: (folder?.holds() ?? []).map(({ name, since }) => ({ name, since })),
      ...(limitStatus === undefined ? {} : { limits: limitStatus() }),
    }
  }
}

function describeHoldBriefly({ name, until, reason }: Hold): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`
  return `${name}${end}${reason === undefined ? '' : ` (${reason})`}`
}
