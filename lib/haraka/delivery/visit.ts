import { exchangeKey, exchangeLabel, type Exchange } from '../../model/exchange'
import type { Lease } from '../../relays/types'
import type { RelayFailure } from '../../model/failure'
import { Dialogue, type Terms } from '../../smtp/session'
import { ConnectionGuard } from './guarded-socket'
import type { HarakaSocket } from './types'

/** How long Haraka has for its QUIT before the connection is closed. Milliseconds. */
const QUIT_TIME = 5_000

/** One connection of a visit. */
export interface VisitConnection {
  readonly socket: HarakaSocket
  /** Options of TLS from the first byte, where the server expects it. */
  readonly tlsOptions: Record<string, unknown>
  /** `tls.ini` demands TLS. */
  readonly forced: boolean
  /** TLS broke down here before, where it is not required. */
  readonly inClear: boolean
  /** Haraka's own `try_deliver_host_on_socket`. */
  readonly begin: () => void
  /** Haraka's own `try_deliver`. */
  readonly giveUp: () => void
  /** TLS broke down where it is not required: the address may be tried once more without. */
  readonly tryInClear: () => void
}

/** A message at one server, over all addresses of it: one place taken, one outcome. */
export class Visit {
  readonly exchange: Exchange
  readonly key: string
  readonly #lease: Lease
  /** Why the last connection came to nothing. */
  #failure: RelayFailure | undefined
  #accepted = false
  #guard: ConnectionGuard | undefined
  #dialogue: Dialogue | undefined
  /** The visit is over and its connection not yet closed. */
  #onClosed: (() => void) | undefined

  constructor(exchange: Exchange, lease: Lease) {
    this.exchange = exchange
    this.key = exchangeKey(exchange)
    this.#lease = lease
  }

  get failure(): RelayFailure | undefined {
    return this.#failure
  }

  /** Guards the connection and lets Haraka begin. */
  connect(connection: VisitConnection): void {
    const { endpoint, terms: own, relay } = this.exchange
    const implicitTls = relay?.implicitTls === true
    const required = connection.forced || own.tls === 'required'
    const terms: Terms = {
      tls: required ? 'required' : connection.inClear ? 'off' : own.tls,
      implicitTls,
      lmtp: own.lmtp,
      credentials: relay?.credentials !== undefined,
      authType: relay?.authType,
      allowPlaintextAuth: relay?.allowPlaintextAuth === true,
    }
    // Opportunistic TLS that breaks down is no worse than none (RFC 7435 section 3), unless a password would be sent.
    const mayGoClear =
      terms.tls === 'opportunistic' && !terms.implicitTls && (!terms.credentials || terms.allowPlaintextAuth)
    const { socket, begin, giveUp, tryInClear, tlsOptions } = connection
    const dialogue = new Dialogue(terms)
    const guard = new ConnectionGuard(
      {
        socket,
        dialogue,
        label: exchangeLabel(this.exchange),
        host: endpoint.host,
        verify: required || implicitTls,
        ...(implicitTls ? { implicitTls: tlsOptions } : {}),
        begin,
        giveUp,
      },
      {
        failed: (failure, startingTls) => {
          if (startingTls && mayGoClear) tryInClear()
          else this.#failure = failure
        },
        accepted: () => {
          this.#accepted = true
          this.#lease.reportSuccess()
        },
        closed: () => {
          if (this.#guard === guard) this.#onClosed?.()
        },
      },
    )
    this.#failure = undefined
    this.#dialogue = dialogue
    this.#guard = guard
    guard.start()
  }

  /** Haraka went on from a connection. If nothing was heard of it, it was refused, timed out or was closed. */
  noteLost(): void {
    if (this.#accepted || this.#failure !== undefined) return
    const how = this.#guard === undefined ? 'no connection' : 'it closed the connection'
    this.#failure = { kind: 'connect', message: `${how} (${this.key})` }
  }

  /** Ends the visit: says how it went, and calls back when the place is free, which is when the connection is closed. */
  leave(delivered: boolean, free: () => void): void {
    const end = () => {
      this.#lease.end(delivered)
      free()
    }
    if (this.#failure !== undefined) this.#lease.reportFailure(this.#failure)
    const guard = this.#guard
    if (guard === undefined || guard.closed) {
      end()
      return
    }
    const timer = setTimeout(() => guard.close(), QUIT_TIME).unref()
    this.#onClosed = () => {
      clearTimeout(timer)
      end()
    }
  }

  /** A line for the log without what nobody must read there. Haraka logs what it sends before it sends it. */
  withoutSecret(line: unknown): unknown {
    if (typeof line !== 'string' || !line.startsWith('C: ')) return line
    if (this.#dialogue?.challenging === true) return 'C: ****'
    return line.replace(/^(C: AUTH \S+ ).+/is, '$1****')
  }
}
