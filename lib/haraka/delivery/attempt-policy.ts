import { exchangeKey, exchangeLabel, type Exchange } from '../../model/exchange'
import type { TokenState } from '../../model/oauth2'
import { oauth2Of } from '../../model/relay'
import { tokenFailure } from '../../smtp/login'
import { movesOn } from '../../smtp/next-mx'
import type { SessionFailure } from '../../smtp/session-types'
import { needsPlace, sectionKey } from '../../relays/section'
import { isUnavailable, type Lease, type Unavailable } from '../../relays/types'
import { endAttempt, type SkippedServer } from './attempt-end'
import type { AttemptPlan, AttemptStep, AttemptWorld, Candidate } from './attempt-types'

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
  progress: 'begun' | 'chosen' | 'connecting' | 'connected' | 'served' | 'closed'
  /** Is there a token to show? Always where none is needed. */
  hasToken: boolean
  /** Why the last connection came to nothing. */
  failure: SessionFailure | undefined
}

/**
 * The policy of one delivery attempt: which address is tried next, and what becomes of the message when none is left. What happens
 * is reported by the other methods, and {@link AttemptPolicy.next} says what follows.
 */
export class AttemptPolicy<C extends Candidate> {
  readonly #plan: AttemptPlan<C>
  readonly #world: AttemptWorld
  #rest: PendingCandidate<C>[]
  #stay: Stay | undefined
  #visit: Visit | undefined
  #skipped: (SkippedServer & { readonly entries: PendingCandidate<C>[] })[] = []
  #visits = 0
  #relayFailures = 0
  /** The token endpoint that is being asked. */
  #awaited: Promise<void> | undefined
  #lastResort = false
  /** Has a failure ended the list? See `next_mx`. */
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
  noteSuccess(): void {
    if (this.#visit === undefined || this.#visit.progress === 'served') return
    this.#visit.progress = 'served'
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

  /** The token was refused, and another one may be accepted: the same address is tried again. */
  noteRefusedToken(candidate: C): void {
    const visit = this.#visit
    if (visit === undefined) return
    visit.progress = 'closed'
    visit.hasToken = false
    this.#rest.unshift({ candidate, inClear: false })
  }

  /** What came of the step `token`. A failure is one of the relay. */
  noteToken(state: TokenState): void {
    const visit = this.#visit!
    switch (state.kind) {
      case 'ready':
        visit.hasToken = true
        return
      case 'pending':
        this.#awaited = state.settled
        return
      case 'failed':
        this.#note(visit, tokenFailure(state.message))
        return
      default:
        state satisfies never
    }
  }

  /** The attempt is over, however it ended. */
  end(): void {
    this.#leave()
  }

  /** What to do now. To be called at the beginning, after each failed connection, {@link noteAcquired}, {@link noteMoved} and {@link noteToken}. */
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
        if (this.#stay !== undefined) return { kind: 'move', exchange, lease: this.#stay.lease }
        if (needsPlace(exchange)) return { kind: 'acquire', exchange, lastResort: false }
        this.#begin(exchange)
      }
      if (this.#awaited !== undefined) return this.#awaitToken(this.#awaited, exchange)
      if (this.#visit?.hasToken === false) return { kind: 'token', candidate: head.candidate }
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

  /** What came of the step `move`. */
  noteMoved(unavailable: Unavailable | undefined): void {
    if (unavailable === undefined) this.#begin(this.#rest[0]!.candidate.exchange)
    else this.#skip(unavailable)
  }

  /** The server at the head of the list takes no part now; if its section is held or full, no server of the section does. */
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
    this.#visit = {
      exchange,
      key: exchangeKey(exchange),
      progress: 'begun',
      hasToken: exchange.relay === undefined || oauth2Of(exchange.relay) === undefined,
      failure: undefined,
    }
    this.#visits++
  }

  /** The place at the server is given back meanwhile. */
  #awaitToken(settled: Promise<void>, exchange: Exchange): AttemptStep<C> {
    this.#leave()
    return { kind: 'await-token', reason: `${exchangeLabel(exchange)} needs a token`, settled }
  }

  #connect(): AttemptStep<C> {
    const { candidate, inClear } = this.#rest.shift()!
    const visit = this.#visit!
    visit.progress = 'chosen'
    visit.failure = undefined
    return { kind: 'connect', candidate, inClear }
  }

  /** Haraka is done with a connection. If nothing was reported of it, it was refused, timed out or was closed. */
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
        // Haraka leaves out local addresses from DNS (outbound.ini local_mx_ok): there was no connection, and no server is at fault.
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
    const didItsPart = visit.progress === 'served'
    visit.progress = 'closed'
    this.#reasons.push(`${exchangeLabel(visit.exchange)}: ${failure.message}`)
    if (!movesOn(visit.exchange.terms.nextMx, failure.kind)) this.#stopped = true
    // A failure after the server has done its part does not count against it.
    if (failure.kind !== 'temporary' && (!didItsPart || failure.stage === 'auth')) visit.failure = failure
  }

  /** The message is done with this server; it keeps its place in the section. */
  #endVisit(): void {
    const visit = this.#visit
    this.#visit = undefined
    if (visit?.failure === undefined) return
    const { exchange, failure } = visit
    if (exchange.relay !== undefined) this.#relayFailures++
    this.#stay?.lease.reportFailure({ stage: failure.stage, message: failure.message })
  }

  #leave(): void {
    const hadVisit = this.#visit !== undefined
    this.#endVisit()
    const lease = this.#stay?.lease
    this.#stay = undefined
    if (hadVisit || lease !== undefined) this.#world.leave(lease)
  }

  /** No address is left: what becomes of the message. */
  #endWithout(): AttemptStep<C> {
    this.#leave()
    return (
      this.#tryLastResort() ??
      endAttempt(
        {
          plan: this.#plan,
          skipped: this.#skipped,
          visits: this.#visits,
          relayFailures: this.#relayFailures,
          reasons: this.#reasons,
        },
        this.#world,
      )
    )
  }

  /**
   * Breakers alone must not hold mail back: if nothing was tried, the first server that its breaker leaves out is tried after all.
   * A server that is only full will take the message soon, so then it waits: each message would be sent to a dead server first.
   */
  #tryLastResort(): AttemptStep<C> | undefined {
    if (this.#visits > 0 || this.#lastResort) return undefined
    if (this.#skipped.some(({ unavailable }) => isFull(unavailable))) return undefined
    const best = this.#skipped.find(({ unavailable }) => unavailable.why === 'breaker')
    if (best === undefined) return undefined
    this.#lastResort = true
    this.#rest.push(...best.entries)
    return { kind: 'acquire', exchange: best.exchange, lastResort: true }
  }
}

const isFull = ({ why }: Unavailable): boolean => why === 'connections' || why === 'quota'
