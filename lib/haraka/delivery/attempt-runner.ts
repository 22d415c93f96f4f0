import { exchangeLabel, type Exchange } from '../../model/exchange'
import { isUnavailable, type Lease, type Unavailable, type RelayState } from '../../relays/types'
import type { TokenState } from '../../model/oauth2'
import type { Secret } from '../../model/secret'
import { TOKEN_TIMEOUT_MS } from '../../oauth/token-request'
import type { TokenStore } from '../../oauth/token-store'
import { tokenFailure } from '../../smtp/login'
import { Session } from '../../smtp/session'
import { needsGoodCertificate, type SessionFailure } from '../../smtp/session-types'
import { AttemptPolicy } from './attempt-policy'
import type { AttemptPlan, AttemptStep } from './attempt-types'
import type { Loggable } from '../../haraka-objects/plugin'
import type { ConnectionQueue } from './connection-queue'
import type { ConnectionReport } from './setback'
import { Aftermath, type AftermathServices } from './aftermath'
import { GuardedSocket } from './guarded-socket'
import type { DeliverySteps, EndMethods } from './hooks'
import { requeue, type UncountedWait } from './requeue'
import { buildSessionOptions, reportFailure } from './session-options'
import type { HarakaMxLike, OutboundItem, QueuedRecipient } from '../../haraka-objects/outbound'
import type { HarakaSocket } from '../../haraka-objects/socket'
import type { PlannedExchange } from './planned-exchange'
import type { WaitList } from './wait-list'
import { patienceOf } from './watchdog'

/** What delivery needs to know beside the exchanges. */
export interface AttemptContext extends Omit<AttemptPlan<PlannedExchange>, 'candidates'> {
  readonly relays: Pick<RelayState, 'acquire' | 'look'>
  readonly tokens: Pick<TokenStore, 'look' | 'accept' | 'refuse'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly queue: ConnectionQueue
  readonly waits: Pick<WaitList, 'add'>
  /** For lines about this message. */
  readonly log: Loggable
  readonly aftermath: AftermathServices
  /** Hears that the message waits without an attempt being counted. */
  readonly onWait?: (wait: UncountedWait) => void
  /** Called once at the end of the attempt. */
  readonly onEnd: (outcome: AttemptOutcome) => void
}

/** What became of one attempt: what is kept of it with the message. Holds no secret. */
export interface AttemptOutcome {
  readonly delivered: boolean
  /** In the order in which they were tried. */
  readonly connections: readonly ConnectionReport[]
}

/** Place of `secured` among the parameters of `delivered` (Haraka 3.3.4 outbound/hmail.js). */
const SECURED = 8
/** The reply to DATA (RFC 5321 section 4.1.1.4). */
const GO_AHEAD = 354
/** What Haraka 3.3.4 (`outbound/hmail.js` `try_deliver`) says when no exchange is left. */
const NOTHING_LEFT = 'Tried all MXs'

/** Never so: a token is asked for only where the relay takes one. */
const NO_CLIENT: TokenState = { kind: 'failed', message: 'it takes no token' }

type StepOf<K extends AttemptStep<PlannedExchange>['kind']> = Extract<
  AttemptStep<PlannedExchange>,
  { readonly kind: K }
>

/** The connection that is tried now. */
interface Current {
  readonly candidate: PlannedExchange
  readonly inClear: boolean
  /** `tls.ini` demands TLS. */
  forced: boolean
  /** Why there was no connection. */
  failure?: SessionFailure
  session?: Session
  guard?: GuardedSocket
}

/** One delivery attempt of one message: {@link AttemptPolicy} says what is to be done, and this does it with Haraka. */
export class AttemptRunner implements DeliverySteps {
  readonly #hmail: OutboundItem
  readonly #context: AttemptContext
  readonly #policy: AttemptPolicy<PlannedExchange>
  readonly #connections: Current[] = []
  #current: Current | undefined
  /** For the server that is being tried. */
  #token: Secret | undefined
  #delivered = false
  #deferral: string | undefined
  /** Why the last server that took no part did not. */
  #unavailable: Exclude<Unavailable['why'], 'breaker'> | undefined
  /** Relays that took no part because they are held. */
  readonly #held: Exchange[] = []
  readonly #aftermath: Aftermath

  constructor(hmail: OutboundItem, candidates: readonly PlannedExchange[], context: AttemptContext) {
    const { relays, now, source, fallbackRelays, passedOver } = context
    this.#hmail = hmail
    this.#context = context
    this.#aftermath = new Aftermath(hmail, context.aftermath, () => this.#reports().at(-1))
    this.#policy = new AttemptPolicy(
      { candidates, source, fallbackRelays, passedOver },
      {
        look: (exchange) => relays.look(exchange),
        now,
        leave: (lease) => this.#leave(lease),
      },
    )
  }

  tryDeliver(next: () => unknown): unknown {
    for (;;) {
      const step = this.#policy.next()
      switch (step.kind) {
        case 'acquire': {
          const answer = this.#context.relays.acquire(step.exchange, { lastResort: step.lastResort })
          if (answer instanceof Promise) {
            answer
              .then((place) => {
                this.#continueWith(step, place)
                this.tryDeliver(next)
              })
              .catch((error: unknown) => this.#hmail.temp_fail(`delivery failed: ${String(error)}`))
            return undefined
          }
          this.#continueWith(step, answer)
          continue
        }
        case 'token':
          this.#findToken(step)
          continue
        case 'connect':
          this.#connect(step)
          return next()
        case 'await-token':
          this.#context.log.loginfo(`waiting for a token, not counted as an attempt: ${step.reason}`)
          this.#context.onWait?.({ why: 'token', seconds: TOKEN_TIMEOUT_MS / 1000, held: [] })
          this.#context.queue.waitFor(this.#hmail, step.settled)
          return undefined
        case 'requeue':
          this.#requeue(step)
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

  #continueWith({ exchange, lastResort }: StepOf<'acquire'>, place: Lease | Unavailable): void {
    if (isUnavailable(place)) {
      if (place.why !== 'breaker') this.#unavailable = place.why
      if (place.why === 'held') this.#held.push(exchange)
      this.#context.log.loginfo(`not now: ${place.message}`)
    } else if (lastResort) {
      this.#context.log.loginfo(
        `every exchange is left out, ${exchangeLabel(exchange)} is tried as a last resort`,
      )
    }
    this.#policy.noteAcquired(place)
  }

  #findToken({ candidate }: StepOf<'token'>): void {
    const { relay } = candidate.exchange
    const state = (relay && this.#context.tokens.look(relay)) ?? NO_CLIENT
    if (state.kind === 'ready') this.#token = state.token
    if (state.kind === 'failed')
      this.#connections.push({
        candidate,
        inClear: false,
        forced: false,
        failure: tokenFailure(state.message),
      })
    this.#policy.noteToken(state)
  }

  forceTls(mx: HarakaMxLike, forcedByHaraka: () => boolean): boolean {
    const current = this.#current
    if (current?.candidate.mx !== mx) return forcedByHaraka()
    this.#policy.noteConnecting()
    const { endpoint, relay, terms } = current.candidate.exchange
    // Only now: with it, Haraka would have passed over a relay that is local.
    if (relay !== undefined && endpoint.host !== mx.exchange) mx.from_dns = endpoint.host
    // tls.ini force_tls_hosts (which may say the name) is as good as `tls = required`: the stricter counts.
    current.forced = forcedByHaraka()
    const required = current.forced || terms.tls === 'required'
    // Without enable_tls Haraka would defer at once; the session sees to it that nothing is sent in clear.
    return required && relay?.implicitTls !== true && this.#hmail.cfg?.enable_tls !== false
  }

  guard(mx: HarakaMxLike, socket: HarakaSocket, begin: () => void): void {
    const current = this.#current
    if (current?.candidate.mx !== mx) {
      begin()
      return
    }
    const hmail = this.#hmail
    const { candidate } = current
    const { exchange } = candidate
    const clientCertificate = exchange.relay?.clientCertificate
    const options = buildSessionOptions(exchange, {
      forced: current.forced,
      inClear: current.inClear,
      token: this.#token,
      recipients: hmail.todo.rcpt_to.length,
    })
    const session = new Session(options)
    const guard = new GuardedSocket(
      {
        socket,
        session,
        label: exchangeLabel(exchange),
        host: exchange.endpoint.host,
        verify: needsGoodCertificate(options),
        ...(options.implicitTls ? { implicitTls: hmail.obtls?.get_tls_options(mx) ?? {} } : {}),
        ...(clientCertificate === undefined ? {} : { clientCertificate }),
        patience: patienceOf(hmail.cfg?.connect_timeout),
        begin,
        giveUp: () => void hmail.try_deliver(),
      },
      {
        onFailure: (failure) => this.#noteFailure(failure, candidate),
        onSuccess: () => this.#noteSuccess(candidate),
      },
    )
    current.session = session
    current.guard = guard
    this.#policy.noteConnected()
    guard.start()
  }

  #noteFailure(failure: SessionFailure, candidate: PlannedExchange): void {
    const { relay } = candidate.exchange
    const token = this.#token
    const mayRenew = failure.refusesToken === true && relay !== undefined && token !== undefined
    if (mayRenew && this.#context.tokens.refuse(relay, token)) {
      this.#context.log.loginfo(
        `${exchangeLabel(candidate.exchange)}: ${failure.message}: another token is asked for`,
      )
      this.#policy.noteRefusedToken(candidate)
    } else this.#policy.noteFailure(failure, candidate)
  }

  #noteSuccess({ exchange: { relay } }: PlannedExchange): void {
    if (relay !== undefined && this.#token !== undefined) this.#context.tokens.accept(relay, this.#token)
    this.#policy.noteSuccess()
  }

  redact(parameter: unknown): unknown {
    const session = this.#current?.session
    if (session === undefined || typeof parameter !== 'string') return parameter
    // Haraka logs what it sends before it sends it.
    return parameter.startsWith('C: ')
      ? `C: ${session.redactCommand(parameter.slice(3))}`
      : session.redact(parameter)
  }

  handleDelivered(parameters: unknown[]): void {
    this.#delivered = true
    if (this.#current?.candidate.exchange.relay?.implicitTls === true) parameters[SECURED] = true
  }

  defer(reason: unknown, extra: unknown, haraka: EndMethods): void {
    this.#aftermath.defer(this.#explain(reason), extra, haraka)
  }

  bounce(reason: unknown, extra: unknown, haraka: EndMethods): void {
    this.#aftermath.bounce(reason, extra, haraka)
  }

  split(
    recipients: readonly QueuedRecipient[],
    response: string,
    done: (hmail: OutboundItem) => void,
    haraka: EndMethods,
  ): void {
    this.#aftermath.split(recipients, response, done, haraka)
  }

  #explain(reason: unknown): unknown {
    if (this.#deferral === undefined || this.#deferral === '' || reason !== NOTHING_LEFT) return reason
    const text = `${NOTHING_LEFT}: ${this.#deferral}`
    for (const recipient of this.#hmail.todo.rcpt_to) recipient.dsn_msg = text
    return text
  }

  end(): void {
    this.#policy.end()
    this.#context.onEnd({ delivered: this.#delivered, connections: this.#reports() })
  }

  #reports(): readonly ConnectionReport[] {
    return this.#connections.map(({ candidate: { exchange, address }, session, guard, failure }) => ({
      exchange,
      address,
      encrypted: guard?.encrypted ?? false,
      ...(session === undefined ? {} : { session: session.report }),
      ...(failure === undefined ? {} : { session: reportFailure(failure, exchange) }),
    }))
  }

  #connect({ candidate, inClear }: StepOf<'connect'>): void {
    const hmail = this.#hmail
    const { mx, exchange } = candidate
    if (inClear)
      this.#context.log.lognotice(
        'TLS failed where it is not required, the same address is tried once without',
      )
    this.#current = { candidate, inClear, forced: false }
    this.#connections.push(this.#current)
    if (exchange.relay !== undefined) {
      // As before the first try: see forceTls(), and Haraka's choice of a mechanism.
      delete mx.from_dns
      if (exchange.relay.authType === undefined) delete mx.auth_type
    }
    hmail.mxlist = [mx, ...this.#policy.remaining.map((each) => each.mx)]
  }

  #requeue({ reason, seconds, waitFor }: StepOf<'requeue'>): void {
    const { now, queue, waits, onWait } = this.#context
    const why = this.#unavailable ?? 'relay'
    requeue(this.#hmail, {
      log: this.#context.log,
      reason,
      now: now(),
      onWait: (delay) => onWait?.({ why, seconds: delay, held: this.#held }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(waitFor.length === 0
        ? {}
        : {
            putBack: (delay) => {
              const release = queue.wait(this.#hmail, waitFor, delay * 1000)
              waits.add(this.#hmail, { held: this.#held, release })
            },
          }),
    })
  }

  /** The place is free when the connection is closed. */
  #leave(lease: Lease | undefined): void {
    const { guard, session } = this.#current ?? {}
    const { stage, reply } = session?.report ?? {}
    // Without a reply to the end of the message nobody knows whether it was taken.
    const delivered = this.#delivered || (stage === 'dot' && reply?.code === GO_AHEAD)
    if (guard === undefined || guard.closed) lease?.end(delivered)
    else guard.release(() => lease?.end(delivered))
  }
}
