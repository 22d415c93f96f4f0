import { exchangeLabel, type Exchange } from '../../model/exchange'
import {
  isUnavailable,
  type Availability,
  type Lease,
  type Unavailable,
  type RelayState,
} from '../../relays/types'
import type { TokenState } from '../../model/oauth2'
import type { Secret } from '../../model/secret'
import { TOKEN_TIMEOUT_MS } from '../../oauth/token-request'
import type { TokenStore } from '../../oauth/token-store'
import { tokenFailure } from '../../smtp/login'
import type { SessionFailure } from '../../smtp/session-types'
import { AttemptPolicy } from './attempt-policy'
import type { AttemptPlan, AttemptStep, AttemptWorld } from './attempt-types'
import type { Loggable } from '../../haraka-objects/plugin'
import type { DeliveryQueue } from './delivery-queue'
import type { ConnectionReport } from './setback'
import { Aftermath, type AftermathServices } from './aftermath'
import { type ConnectionObserver, Connections } from './connections'
import type { AttemptHandler, EndMethods } from './hooks'
import { requeue, type Requeue, type UncountedWait, waitForRoom } from './requeue'
import type { HarakaMxLike, OutboundItem, QueuedRecipient } from '../../haraka-objects/outbound'
import type { HarakaSocket } from '../../haraka-objects/socket'
import type { PlannedExchange } from './planned-exchange'
import type { WaitList } from './wait-list'

/** What the attempts of all messages need. */
export interface AttemptServices {
  readonly relays: Pick<RelayState, 'acquire' | 'look'>
  readonly tokens: Pick<TokenStore, 'look' | 'accept' | 'refuse'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly queue: DeliveryQueue
  readonly waits: Pick<WaitList, 'add'>
}

/** What an attempt needs besides the message and its plan. */
export interface AttemptContext {
  readonly services: AttemptServices
  /** For lines about this message. */
  readonly log: Loggable
  /** Asked for when an attempt fails: most do not. */
  makeAftermath(): AftermathServices
  /** Called each time before a server is asked. */
  onTry(): void
  /** Called when the message begins to wait without an attempt being counted. */
  onWait(wait: UncountedWait): void
  /** Called once at the end of the attempt. */
  onEnd(report: AttemptReport): void
}

/** What became of one attempt: what is kept of it with the message. Holds no secret. */
export interface AttemptReport {
  readonly delivered: boolean
  /** The whole message was given up. */
  readonly bounced: boolean
  /** In the order in which they were tried. */
  readonly connections: readonly ConnectionReport[]
  /** Why no exchange is left; empty if that is not so. */
  readonly deferral: string
}

/** Place of `secured` among the parameters of `delivered` (Haraka 3.3.4 outbound/hmail.js). */
const SECURED = 8
/** What Haraka 3.3.4 (`outbound/hmail.js` `try_deliver`) says when no exchange is left. */
const NOTHING_LEFT = 'Tried all MXs'

/** Cannot happen: a token is asked for only if the relay takes one. */
const NO_CLIENT: TokenState = { kind: 'failed', message: 'it takes no token' }

type StepOf<K extends AttemptStep<PlannedExchange>['kind']> = Extract<
  AttemptStep<PlannedExchange>,
  { readonly kind: K }
>

/** One delivery attempt of one message: {@link AttemptPolicy} says what is to be done, and this does it with Haraka. */
export class AttemptRunner implements AttemptHandler, ConnectionObserver, AttemptWorld {
  readonly #hmail: OutboundItem
  readonly #context: AttemptContext
  readonly #policy: AttemptPolicy<PlannedExchange>
  readonly #connections: Connections
  /** For the server that is being tried. */
  #token: Secret | undefined
  #delivered = false
  #bounced = false
  /** Why no exchange is left. */
  #deferral: string | undefined
  /** Why the last server that took no part was left out. */
  #unavailable: Exclude<Unavailable['why'], 'breaker'> | undefined
  /** Servers that took no part because of their breaker, because they are held, or because of a limit. */
  readonly #leftOut: Exchange[] = []
  readonly #held: Exchange[] = []
  readonly #full: Exchange[] = []

  constructor(hmail: OutboundItem, plan: AttemptPlan<PlannedExchange>, context: AttemptContext) {
    this.#hmail = hmail
    this.#context = context
    this.#connections = new Connections(hmail, this)
    this.#policy = new AttemptPolicy(plan, this)
  }

  tryDeliver(next: () => unknown): unknown {
    for (;;) {
      const step = this.#policy.next()
      switch (step.kind) {
        case 'acquire': {
          const answer = this.#context.services.relays.acquire(step.exchange, { lastResort: step.lastResort })
          if (this.#take(answer, (place) => this.#continueWith(step, place), next)) continue
          return undefined
        }
        case 'move': {
          const answer = step.lease.moveTo(step.exchange)
          if (this.#take(answer, (moved) => this.#policy.noteMoved(moved), next)) continue
          return undefined
        }
        case 'token':
          this.#findToken(step)
          continue
        case 'connect':
          this.#connect(step)
          return next()
        case 'await-token':
          this.#context.log.loginfo(`waiting for a token, not counted as an attempt: ${step.reason}`)
          this.#context.onWait({
            why: 'token',
            reason: step.reason,
            seconds: TOKEN_TIMEOUT_MS / 1000,
            held: [],
            full: [],
          })
          this.#context.services.queue.waitForToken(this.#hmail, step.settled)
          return undefined
        case 'requeue':
          this.#requeue(step)
          return undefined
        case 'wait':
          this.#wait(step)
          return undefined
        case 'give-back':
          this.#hmail.mxlist = []
          this.#deferral = step.reason
          return next()
        default:
          return step satisfies never
      }
    }
  }

  /** @returns whether the answer is there; else the attempt goes on when it comes */
  #take<T>(answer: T | Promise<T>, use: (answer: T) => void, next: () => unknown): boolean {
    if (!(answer instanceof Promise)) {
      use(answer)
      return true
    }
    answer
      .then((late) => {
        use(late)
        this.tryDeliver(next)
      })
      .catch((error: unknown) => this.#hmail.temp_fail(`delivery failed: ${String(error)}`))
    return false
  }

  #continueWith({ exchange, lastResort }: StepOf<'acquire'>, place: Lease | Unavailable): void {
    if (isUnavailable(place)) {
      this.#noteUnavailable(exchange, place.why)
      this.#context.log.loginfo(`not now: ${place.message}`)
    } else if (lastResort) {
      this.#context.log.loginfo(
        `every exchange is left out, ${exchangeLabel(exchange)} is tried as a last resort`,
      )
    }
    this.#policy.noteAcquired(place)
  }

  #noteUnavailable(exchange: Exchange, why: Unavailable['why']): void {
    if (why === 'breaker') this.#leftOut.push(exchange)
    else {
      this.#unavailable = why
      ;(why === 'held' ? this.#held : this.#full).push(exchange)
    }
  }

  #findToken({ candidate }: StepOf<'token'>): void {
    const { relay } = candidate.exchange
    const state = (relay && this.#context.services.tokens.look(relay)) ?? NO_CLIENT
    if (state.kind === 'ready') this.#token = state.token
    if (state.kind === 'failed') this.#connections.addFailure(candidate, tokenFailure(state.message))
    this.#policy.noteToken(state)
  }

  forceTls(mx: HarakaMxLike, forcedByHaraka: () => boolean): boolean {
    return this.#connections.forceTls(mx, forcedByHaraka)
  }

  guard(mx: HarakaMxLike, socket: HarakaSocket, begin: () => void): void {
    this.#connections.guard(mx, socket, begin)
  }

  noteConnecting(): void {
    this.#policy.noteConnecting()
  }

  noteConnected(): void {
    this.#policy.noteConnected()
  }

  noteFailure(failure: SessionFailure, candidate: PlannedExchange): void {
    const { relay } = candidate.exchange
    const token = this.#token
    const mayRenew = failure.refusesToken === true && relay !== undefined && token !== undefined
    if (mayRenew && this.#context.services.tokens.refuse(relay, token)) {
      this.#context.log.loginfo(
        `${exchangeLabel(candidate.exchange)}: ${failure.message}: another token is asked for`,
      )
      this.#policy.noteRefusedToken(candidate)
    } else this.#policy.noteFailure(failure, candidate)
  }

  noteSuccess({ exchange: { relay } }: PlannedExchange): void {
    if (relay !== undefined && this.#token !== undefined)
      this.#context.services.tokens.accept(relay, this.#token)
    this.#policy.noteSuccess()
  }

  redact(parameter: unknown): unknown {
    return this.#connections.redact(parameter)
  }

  handleDelivered(parameters: unknown[]): void {
    this.#delivered = true
    if (this.#connections.exchange?.relay?.implicitTls === true) parameters[SECURED] = true
  }

  defer(reason: unknown, extra: unknown, haraka: EndMethods): void {
    this.#aftermath().defer(this.#explain(reason), extra, haraka)
  }

  bounce(reason: unknown, extra: unknown, haraka: EndMethods): void {
    const bounce: EndMethods['bounce'] = (...parameters) => {
      this.#bounced = true
      return haraka.bounce(...parameters)
    }
    this.#aftermath().bounce(reason, extra, { ...haraka, bounce })
  }

  split(
    recipients: readonly QueuedRecipient[],
    response: string,
    done: (hmail: OutboundItem) => void,
    haraka: EndMethods,
  ): void {
    this.#aftermath().split(recipients, response, done, haraka)
  }

  #aftermath(): Aftermath {
    return new Aftermath(this.#hmail, this.#context.makeAftermath(), () => this.#connections.reports.at(-1))
  }

  #explain(reason: unknown): unknown {
    if (this.#deferral === undefined || this.#deferral === '' || reason !== NOTHING_LEFT) return reason
    const text = `${NOTHING_LEFT}: ${this.#deferral}`
    for (const recipient of this.#hmail.todo.rcpt_to) recipient.dsn_msg = text
    return text
  }

  end(): void {
    this.#policy.end()
    const { reports: connections } = this.#connections
    this.#context.onEnd({
      delivered: this.#delivered,
      bounced: this.#bounced,
      connections,
      deferral: this.#deferral ?? '',
    })
  }

  #connect({ candidate, inClear }: StepOf<'connect'>): void {
    if (inClear)
      this.#context.log.lognotice(
        'TLS failed where it is not required, the same address is tried once without',
      )
    this.#context.onTry()
    this.#context.services.queue.noteTry(this.#hmail)
    this.#connections.begin({ candidate, inClear, token: this.#token })
    this.#hmail.mxlist = [candidate.mx, ...this.#policy.remaining.map(({ mx }) => mx)]
  }

  #requeue({ reason, seconds }: StepOf<'requeue'>): void {
    requeue(this.#hmail, { ...this.#uncounted(reason), ...(seconds === undefined ? {} : { seconds }) })
  }

  #wait({ reason, waitFor }: StepOf<'wait'>): void {
    const { queue, waits } = this.#context.services
    // Very many may wait: the addresses, 250 bytes, are found again.
    this.#hmail.mxlist = []
    waitForRoom(this.#hmail, {
      ...this.#uncounted(reason),
      queue,
      why: this.#why,
      exchanges: waitFor,
      onBegin: (release) => waits.add(this.#hmail, { held: this.#held, leftOut: this.#leftOut, release }),
    })
  }

  get #why(): UncountedWait['why'] {
    return this.#unavailable ?? 'relay'
  }

  #uncounted(reason: string): Omit<Requeue, 'seconds'> {
    const { log, services } = this.#context
    return {
      log,
      reason,
      now: services.now(),
      onWait: (seconds) =>
        this.#context.onWait({ why: this.#why, reason, seconds, held: this.#held, full: this.#full }),
    }
  }

  look(exchange: Exchange): Availability {
    return this.#context.services.relays.look(exchange)
  }

  /** The place is free when the connection is closed. Without a reply to the end of the message nobody knows whether it was taken. */
  leave(lease: Lease | undefined): void {
    const delivered = this.#delivered || this.#connections.isUnanswered
    this.#connections.release(() => lease?.end(delivered))
  }
}
