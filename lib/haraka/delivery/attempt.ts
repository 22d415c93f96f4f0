import { exchangeKey, exchangeLabel, type Exchange } from '../../model/exchange'
import type { Decision } from '../../model/decision'
import { shorten } from '../../smtp/reply-reader'
import { movesOn } from '../../smtp/next-mx'
import type { SessionFailure } from '../../smtp/session-types'
import { needsPlace, sectionKey } from '../../relays/section'
import { isUnavailable, type Availability, type Lease, type Unavailable } from '../../relays/types'

/** One address of an exchange: what one connection goes to. */
export interface Candidate {
  readonly exchange: Exchange
  readonly address: string
}

/** What happens next in an attempt. */
export type AttemptStep<C extends Candidate> =
  /** Connect there. `inClear`: TLS broke there before, so do without. */
  | { readonly kind: 'connect'; readonly candidate: C; readonly inClear: boolean }
  /** Ask for a place there (`RelayState.acquire`), and tell {@link Attempt.noteAcquired} what came of it. */
  | { readonly kind: 'acquire'; readonly exchange: Exchange; readonly lastResort: boolean }
  /**
   * The attempt ends and is not counted: nothing was tried for which the message could be blamed.
   * `seconds`: until the next attempt; absent: Haraka's own interval. `waitFor`: servers of which a free connection is enough.
   */
  | {
      readonly kind: 'requeue'
      readonly reason: string
      readonly seconds?: number
      readonly waitFor: readonly Exchange[]
    }
  /** The attempt ends as Haraka ends it when it has tried all exchanges: deferred, and counted. */
  | { readonly kind: 'give-back'; readonly reason: string }

/** What an attempt begins with. */
export interface AttemptPlan<C extends Candidate> {
  /** In the order in which they are tried. */
  readonly candidates: readonly C[]
  readonly source: Decision['source']
  /** Relays that a later attempt of this message could take (source `attempts`); else empty. */
  readonly fallbackRelays: readonly Exchange[]
  /** Why exchanges of the decision are not among the candidates. */
  readonly passedOver: readonly string[]
}

/** What an attempt knows of the world. */
export interface AttemptWorld {
  /** As `RelayState.look`. */
  look(exchange: Exchange): Availability
  /** Milliseconds since the epoch. */
  now(): number
  /** The message has left a server: its place is to be given back when the connection is closed. */
  leave(lease: Lease | undefined): void
}

/** A relay that is held is looked at again at least so often, milliseconds: it may have been resumed. */
const HOLD_INTERVAL_MS = 300_000
/** Failures of one attempt that its reason names. */
const MOST_REASONS = 3

interface PendingCandidate<C> {
  readonly candidate: C
  readonly inClear: boolean
}

/** The place of the message in one section, over all its servers that are tried one after the other. */
interface Stay {
  readonly section: string
  readonly lease: Lease
}

/** A message at one server, over all its addresses: one outcome. */
interface Visit {
  readonly exchange: Exchange
  readonly key: string
  /** How far the current connection came. */
  progress: 'begun' | 'chosen' | 'connecting' | 'connected' | 'accepted' | 'closed'
  /** Why the last connection came to nothing. */
  failure: SessionFailure | undefined
}

/**
 * The policy of one delivery attempt: which address is tried next, and what becomes of the message when none is left. What happens
 * is reported by the other methods, and {@link Attempt.next} says what follows.
 */
export class Attempt<C extends Candidate> {
  readonly #plan: AttemptPlan<C>
  readonly #world: AttemptWorld
  #rest: PendingCandidate<C>[]
  #stay: Stay | undefined
  #visit: Visit | undefined
  #skipped: {
    readonly unavailable: Unavailable
    readonly exchange: Exchange
    readonly entries: PendingCandidate<C>[]
  }[] = []
  #visits = 0
  #relayFailures = 0
  #lastResort = false
  /** A failure after which no other exchange is tried. */
  #stopped = false
  readonly #reasons: string[]

  constructor(plan: AttemptPlan<C>, world: AttemptWorld) {
    this.#plan = plan
    this.#world = world
    this.#reasons = [...plan.passedOver]
    this.#rest = plan.candidates.map((candidate) => ({ candidate, inClear: false }))
  }

  /** What is left after the current one, in order. */
  get remaining(): readonly C[] {
    return this.#rest.map(({ candidate }) => candidate)
  }

  /** Haraka takes the address, and connects to it. */
  noteConnecting(): void {
    if (this.#visit !== undefined) this.#visit.progress = 'connecting'
  }

  noteConnected(): void {
    if (this.#visit !== undefined) this.#visit.progress = 'connected'
  }

  /** The server has done its part. */
  noteAccepted(): void {
    if (this.#visit === undefined || this.#visit.progress === 'accepted') return
    this.#visit.progress = 'accepted'
    this.#stay?.lease.reportSuccess()
  }

  /** The connection came to nothing. */
  noteFailure(failure: SessionFailure, candidate: C): void {
    const visit = this.#visit
    if (visit === undefined) return
    if (failure.mayGoClear) {
      visit.progress = 'closed'
      this.#rest.unshift({ candidate, inClear: true })
    } else this.#note(visit, failure)
  }

  /** The attempt is over, however it ended. */
  end(): void {
    this.#leave()
  }

  /** Asked at the beginning, after each failed connection, and after {@link Attempt.noteAcquired}. */
  next(): AttemptStep<C> {
    this.#noteLost()
    if (this.#stopped) this.#rest = []
    for (;;) {
      const head = this.#rest[0]
      if (head === undefined) return this.#endWithout()
      const { exchange } = head.candidate
      if (this.#visit !== undefined && this.#visit.key !== exchangeKey(exchange)) this.#endVisit()
      if (this.#stay !== undefined && this.#stay.section !== sectionKey(exchange)) this.#leave()
      // Another address of the same server: it has the same passwords.
      if (this.#visit?.failure?.stage === 'auth') {
        this.#rest.shift()
        continue
      }
      if (this.#visit === undefined) {
        if (this.#stay === undefined && needsPlace(exchange))
          return { kind: 'acquire', exchange, lastResort: false }
        const unavailable = this.#stay?.lease.moveTo(exchange)
        if (unavailable !== undefined) {
          this.#skip(unavailable)
          continue
        }
        this.#begin(exchange)
      }
      return this.#connect()
    }
  }

  /** What came of the step `acquire`; if it is unavailable, the server takes no part now. */
  noteAcquired(answer: Lease | Unavailable): void {
    const { exchange } = this.#rest[0]!.candidate
    if (isUnavailable(answer)) {
      this.#skip(answer)
      return
    }
    this.#stay = { section: sectionKey(exchange), lease: answer }
    this.#begin(exchange)
  }

  /** The server at the head of the list takes no part now; where its section is held or full, none of the section does. */
  #skip(unavailable: Unavailable): void {
    const { exchange } = this.#rest[0]!.candidate
    const [keyOf, key] =
      unavailable.why === 'breaker'
        ? [exchangeKey, exchangeKey(exchange)]
        : [sectionKey, sectionKey(exchange)]
    const isOut = ({ candidate }: PendingCandidate<C>) => keyOf(candidate.exchange) === key
    this.#skipped = this.#skipped.filter((one) => one.exchange !== exchange)
    this.#skipped.push({ unavailable, exchange, entries: this.#rest.filter(isOut) })
    this.#rest = this.#rest.filter((entry) => !isOut(entry))
  }

  #begin(exchange: Exchange): void {
    this.#visit = { exchange, key: exchangeKey(exchange), progress: 'begun', failure: undefined }
    this.#visits++
  }

  #connect(): AttemptStep<C> {
    const { candidate, inClear } = this.#rest.shift()!
    const visit = this.#visit!
    visit.progress = 'chosen'
    visit.failure = undefined
    return { kind: 'connect', candidate, inClear }
  }

  /** Haraka came back from a connection. If nothing was heard of it, it was refused, timed out or was closed. */
  #noteLost(): void {
    const visit = this.#visit
    if (visit === undefined || visit.failure !== undefined) return
    const { progress } = visit
    const common = { mayGoClear: false, polite: false }
    switch (progress) {
      case 'begun':
      case 'closed':
        return
      case 'chosen':
        // Haraka leaves local addresses from DNS out (outbound.ini local_mx_ok): no connection, and not the fault of any server.
        this.#reasons.push(`${exchangeKey(visit.exchange)}: it is a local address`)
        visit.progress = 'closed'
        return
      case 'connecting':
        this.#note(visit, {
          ...common,
          stage: 'connect',
          kind: 'no-answer',
          message: `no connection (${visit.key})`,
        })
        return
      default:
        this.#note(visit, {
          ...common,
          stage: 'connect',
          kind: 'connection',
          message: `it closed the connection (${visit.key})`,
        })
    }
  }

  #note(visit: Visit, failure: SessionFailure): void {
    const hadAccepted = visit.progress === 'accepted'
    visit.progress = 'closed'
    this.#reasons.push(`${exchangeLabel(visit.exchange)}: ${failure.message}`)
    if (!movesOn(visit.exchange.terms.nextMx, failure.kind)) this.#stopped = true
    // A failure after the server has done its part does not count against it.
    if (failure.kind !== 'temporary' && (!hadAccepted || failure.stage === 'auth')) visit.failure = failure
  }

  /** The message is done with this server; it keeps its place in the section. */
  #endVisit(): void {
    const visit = this.#visit
    this.#visit = undefined
    if (visit?.failure === undefined) return
    const { exchange, failure } = visit
    if (exchange.relay !== undefined) this.#relayFailures++
    this.#stay?.lease.reportFailure({ kind: failure.stage, message: failure.message })
  }

  #leave(): void {
    const hadVisit = this.#visit !== undefined
    this.#endVisit()
    const lease = this.#stay?.lease
    this.#stay = undefined
    if (hadVisit || lease !== undefined) this.#world.leave(lease)
  }

  #endWithout(): AttemptStep<C> {
    this.#leave()
    return (
      this.#tryLastResort() ??
      this.#waitForRoom() ??
      this.#blameRelay() ?? { kind: 'give-back', reason: this.#reason() }
    )
  }

  /** A breaker alone never holds mail. */
  #tryLastResort(): AttemptStep<C> | undefined {
    if (this.#visits > 0 || this.#lastResort) return undefined
    const best = this.#skipped.find(({ unavailable }) => unavailable.why === 'breaker')
    if (best === undefined) return undefined
    this.#lastResort = true
    this.#rest.push(...best.entries)
    return { kind: 'acquire', exchange: best.exchange, lastResort: true }
  }

  /** Held and full servers take the message later, and that is not an attempt. */
  #waitForRoom(): AttemptStep<C> | undefined {
    const sections = new Map(
      this.#skipped
        .filter(({ unavailable }) => unavailable.why !== 'breaker')
        .map((one) => [sectionKey(one.exchange), one]),
    )
    const full = [...sections.values()]
    if (full.length === 0) return undefined
    const reason = full.map(({ unavailable }) => unavailable.message).join('; ')
    if (this.#hasFallback) return { kind: 'requeue', reason, seconds: 0, waitFor: [] }
    const now = this.#world.now()
    const until = Math.min(
      ...full.map(({ unavailable }) =>
        unavailable.why === 'held' ? now + HOLD_INTERVAL_MS : (unavailable.until ?? Infinity),
      ),
    )
    const waitFor = full.flatMap(({ unavailable, exchange }) =>
      unavailable.why === 'connections' ? [exchange] : [],
    )
    return {
      kind: 'requeue',
      reason,
      ...(until === Infinity ? {} : { seconds: (until - now) / 1000 }),
      waitFor,
    }
  }

  /** `[attempts]` counts attempts of the message, and not failures of a relay. */
  #blameRelay(): AttemptStep<C> | undefined {
    const { source } = this.#plan
    if (source !== 'attempts' || this.#visits === 0 || this.#relayFailures < this.#visits) return undefined
    const reason = 'the relay failed, not the recipient'
    return this.#hasFallback
      ? { kind: 'requeue', reason: `${reason}; another is tried next`, seconds: 0, waitFor: [] }
      : { kind: 'requeue', reason, waitFor: [] }
  }

  get #hasFallback(): boolean {
    const { source, fallbackRelays } = this.#plan
    return source === 'attempts' && fallbackRelays.some((exchange) => this.#world.look(exchange).usable)
  }

  #reason(): string {
    const more = this.#reasons.length - MOST_REASONS
    const last = this.#reasons.slice(-MOST_REASONS).join('; ')
    return shorten(more > 0 ? `${last}; and ${more} before` : last)
  }
}
