import type { Exchange } from '../../model/exchange'
import { exchangeLabel } from '../../model/exchange'
import type { Secret } from '../../model/secret'
import type { HarakaMxLike, OutboundItem } from '../../haraka-objects/outbound'
import type { HarakaSocket } from '../../haraka-objects/socket'
import { Session } from '../../smtp/session'
import { needsGoodCertificate, type SessionFailure } from '../../smtp/session-types'
import { GuardedSocket, type GuardObserver } from './guarded-socket'
import type { PlannedExchange } from './planned-exchange'
import { buildSessionOptions, reportWithoutSession } from './session-options'
import type { ConnectionReport } from './setback'
import { patienceOf } from './watchdog'

/** The reply to DATA (RFC 5321 section 4.1.1.4). */
const GO_AHEAD = 354

/** Is it AUTH? Haraka logs what it sends before it sends it. */
const isLogin = (logged: string): boolean => /^C: AUTH /i.test(logged)

/** How a connection is to be made. */
export interface ConnectionPlan {
  readonly candidate: PlannedExchange
  /** TLS broke there before, so it is done without. */
  readonly inClear: boolean
  /** Of a relay that takes one. */
  readonly token: Secret | undefined
}

/** What is reported of the connection that is tried now. */
export interface ConnectionObserver {
  /** Haraka takes the address, and connects to it. */
  noteConnecting(): void
  noteConnected(): void
  /** As {@link GuardObserver}. */
  noteFailure(failure: SessionFailure, candidate: PlannedExchange): void
  noteSuccess(candidate: PlannedExchange): void
}

/** One connection, tried or to be tried. */
class TriedConnection implements GuardObserver {
  readonly plan: ConnectionPlan
  /** `tls.ini` demands TLS. */
  isTlsForced = false
  /** Why there was no connection. */
  readonly failure: SessionFailure | undefined
  session: Session | undefined
  guard: GuardedSocket | undefined
  readonly #observer: ConnectionObserver

  constructor(plan: ConnectionPlan, observer: ConnectionObserver, failure?: SessionFailure) {
    this.plan = plan
    this.failure = failure
    this.#observer = observer
  }

  noteFailure(failure: SessionFailure): void {
    this.#observer.noteFailure(failure, this.plan.candidate)
  }

  noteSuccess(): void {
    this.#observer.noteSuccess(this.plan.candidate)
  }
}

/** The connections of one attempt, one after the other: each is guarded by a session, and kept for the report. */
export class Connections {
  readonly #hmail: OutboundItem
  readonly #observer: ConnectionObserver
  readonly #tried: TriedConnection[] = []
  #current: TriedConnection | undefined

  constructor(hmail: OutboundItem, observer: ConnectionObserver) {
    this.#hmail = hmail
    this.#observer = observer
  }

  /** In the order in which they were tried. */
  get reports(): readonly ConnectionReport[] {
    return this.#tried.map(({ plan: { candidate }, session, guard, failure }) => ({
      exchange: candidate.exchange,
      address: candidate.address,
      encrypted: guard?.encrypted ?? false,
      session: failure === undefined ? session?.report : reportWithoutSession(failure, candidate.exchange),
    }))
  }

  /** The server that is tried now. */
  get exchange(): Exchange | undefined {
    return this.#current?.plan.candidate.exchange
  }

  /** Haraka connects there next. */
  begin(plan: ConnectionPlan): void {
    const { mx, exchange } = plan.candidate
    this.#current = new TriedConnection(plan, this.#observer)
    this.#tried.push(this.#current)
    if (exchange.relay === undefined) return
    // As before the first try: see forceTls(), and Haraka's choice of a mechanism. Not with `delete`, after which V8 looks every
    // property of the object up in a table.
    if (mx.from_dns !== undefined) mx.from_dns = undefined
    if (exchange.relay.authType === undefined && mx.auth_type !== undefined) mx.auth_type = undefined
  }

  /** A server could not be tried. */
  addFailure(candidate: PlannedExchange, failure: SessionFailure): void {
    const plan = { candidate, inClear: false, token: undefined }
    this.#tried.push(new TriedConnection(plan, this.#observer, failure))
  }

  /** See {@link AttemptHandler.forceTls}. */
  forceTls(mx: HarakaMxLike, forcedByHaraka: () => boolean): boolean {
    const current = this.#current
    if (current?.plan.candidate.mx !== mx) return forcedByHaraka()
    this.#observer.noteConnecting()
    const { endpoint, relay, terms } = current.plan.candidate.exchange
    // Only now: with it, Haraka would have passed over a relay that is local.
    if (relay !== undefined && endpoint.host !== mx.exchange) mx.from_dns = endpoint.host
    // tls.ini force_tls_hosts (which may say the name) is as good as `tls = required`: the stricter counts.
    current.isTlsForced = forcedByHaraka()
    const isRequired = current.isTlsForced || terms.tls === 'required'
    // Without enable_tls Haraka would defer at once; the session sees to it that nothing is sent in clear.
    return isRequired && relay?.implicitTls !== true && this.#hmail.cfg?.enable_tls !== false
  }

  /** See {@link AttemptHandler.guard}. */
  guard(mx: HarakaMxLike, socket: HarakaSocket, begin: () => void): void {
    const current = this.#current
    if (current?.plan.candidate.mx !== mx) {
      begin()
      return
    }
    const hmail = this.#hmail
    const { candidate, inClear, token } = current.plan
    const { exchange } = candidate
    const options = buildSessionOptions(exchange, {
      isTlsForced: current.isTlsForced,
      inClear,
      token,
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
        implicitTls: options.implicitTls ? (hmail.obtls?.get_tls_options(mx) ?? {}) : undefined,
        clientCertificate: exchange.relay?.clientCertificate,
        patience: patienceOf(hmail.cfg?.connect_timeout),
        begin,
        giveUp: () => void hmail.try_deliver(),
      },
      current,
    )
    current.session = session
    current.guard = guard
    this.#observer.noteConnected()
    guard.start()
  }

  /** A text of the current conversation without its secrets, see {@link AttemptHandler.redact}. */
  redact(parameter: unknown): unknown {
    const session = this.#current?.session
    if (session === undefined || typeof parameter !== 'string') return parameter
    // Most conversations hold no secret: 4 kB of garbage a message less than to look for one in each line.
    if (!session.mayHoldSecret && !isLogin(parameter)) return parameter
    return parameter.startsWith('C: ')
      ? `C: ${session.redactCommand(parameter.slice(3))}`
      : session.redact(parameter)
  }

  /** May the current server have taken the message without saying so? It was sent, and its end has no reply. */
  get isUnanswered(): boolean {
    const { stage, reply } = this.#current?.session?.report ?? {}
    return stage === 'dot' && reply?.code === GO_AHEAD
  }

  /**
   * The message has left the current server.
   *
   * @param onClosed called once the connection is closed; at once if there never was one
   */
  release(onClosed: () => void): void {
    const guard = this.#current?.guard
    if (guard === undefined || guard.closed) onClosed()
    else guard.release(onClosed)
  }
}
