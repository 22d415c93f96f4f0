import type { Decision } from '../../model/decision'
import { exchangeKey, exchangeLabel, type Exchange } from '../../model/exchange'
import { DEFAULT_TERMS } from '../../model/terms'
import type { Availability, RelayState } from '../../relays/types'
import { override } from '../patch'
import type { Places } from './connection-queue'
import type { HarakaMxLike, HarakaSocket, OutboundItem, PlannedExchange } from './types'
import { Visit } from './visit'
import { waitNow } from './requeue'
import { replyPatience, watchProgress } from './watchdog'

export { Places } from './connection-queue'
export { waitWithoutCounting } from './requeue'
export type { HarakaMxLike, OutboundItem, PlannedExchange } from './types'

/** What delivery needs to know beside the exchanges. */
export interface DeliveryContext {
  readonly relays: RelayState
  readonly now: () => number
  readonly source: Decision['source']
  /** Relays that a later attempt of this message could take (source `attempts`); else empty. */
  readonly fallbackRelays: readonly Exchange[]
  readonly places: Places
}

/**
 * Watches this one delivery attempt of one message, from the answer to `get_mx` to its end. To be called before `get_mx`
 * answers OK with the `mx` of `planned`, in that order.
 */
export function watchDelivery(
  hmail: OutboundItem,
  planned: readonly PlannedExchange[],
  context: DeliveryContext,
): void {
  new Attempt(hmail, planned, context).watch()
}

/** A relay that is held is looked at again at least so often, in seconds: it may have been resumed. */
const HOLD_INTERVAL = 300
/** Place of `secured` among the parameters of `delivered` (Haraka 3.3.4 outbound/hmail.js). */
const SECURED = 8

type Refusal = Extract<Availability, { usable: false }>

/** A server that was passed over, and all its addresses. */
interface Skipped {
  readonly refusal: Refusal
  readonly exchange: Exchange
  readonly mxs: HarakaMxLike[]
}

/**
 * One delivery attempt. Haraka 3.3.4 has no hook between `get_mx` and the end of an attempt, so methods of this one
 * HMailItem are overridden for as long as the attempt lasts:
 *   `found_mx`      which exchange each element of the answer is
 *   `try_deliver`   before each connection: breakers, limits, holds; and what follows when no exchange is left
 *   `get_force_tls` after the check of `local_mx_ok`: the operator's relays get their host name, and TLS if required
 *   `try_deliver_host_on_socket`  each connection is watched, one to a relay gets a guard
 *   `logprotocol`   no password in the log
 *   `delivered`     the message counts
 *   `next_cb`       the end of the attempt, however it ended
 */
class Attempt {
  readonly #hmail: OutboundItem
  readonly #planned: readonly PlannedExchange[]
  readonly #context: DeliveryContext
  readonly #exchanges = new Map<HarakaMxLike, Exchange>()
  readonly #inClear = new Set<HarakaMxLike>()
  readonly #skipped: Skipped[] = []
  #order: readonly HarakaMxLike[] = []
  #visit: Visit | undefined
  #tried = 0
  #relayFailures = 0
  #forced = false
  #lastResort = false
  #delivered = false

  constructor(hmail: OutboundItem, planned: readonly PlannedExchange[], context: DeliveryContext) {
    this.#hmail = hmail
    this.#planned = planned
    this.#context = context
  }

  watch(): void {
    const hmail = this.#hmail
    const undo = [
      override(hmail, 'found_mx', (inner) => (mxs) => {
        this.#found(mxs)
        return inner.call(hmail, mxs)
      }),
      override(hmail, 'try_deliver', (inner) => () => this.#tryDeliver(() => inner.call(hmail))),
      override(hmail, 'get_force_tls', (inner) => (mx) => this.#forceTls(mx, () => inner.call(hmail, mx))),
      override(
        hmail,
        'try_deliver_host_on_socket',
        (inner) => (mx, host, port, socket) =>
          this.#guard(mx, socket, () => void inner.call(hmail, mx, host, port, socket)),
      ),
      override(
        hmail,
        'logprotocol',
        (inner) =>
          (...parameters) =>
            inner.apply(
              hmail,
              parameters.map((parameter) => this.#visit?.withoutSecret(parameter) ?? parameter),
            ),
      ),
      override(hmail, 'delivered', (inner) => (...parameters) => {
        this.#delivered = true
        if (this.#visit?.exchange.relay?.implicitTls === true) parameters[SECURED] = true
        return inner.apply(hmail, parameters)
      }),
    ]
    undo.push(
      // Queue (outbound/queue.js) sets it anew for each attempt.
      override(hmail, 'next_cb', (inner) => () => {
        this.#leave()
        for (const each of undo) each()
        inner.call(hmail)
      }),
    )
  }

  #found(mxs: readonly HarakaMxLike[]): void {
    mxs.forEach((mx, i) => {
      const planned = this.#planned[i]
      if (planned !== undefined) this.#exchanges.set(mx, planned.exchange)
    })
    this.#order = [...mxs]
  }

  /** The exchange, where its connections are watched; undefined for plain direct delivery. */
  #watchedExchange(mx: HarakaMxLike): Exchange | undefined {
    const exchange = this.#exchanges.get(mx)
    const plain = exchange?.relay === undefined && exchange?.terms === DEFAULT_TERMS
    return plain ? undefined : exchange
  }

  #tryDeliver(next: () => unknown): unknown {
    const list = (this.#hmail.mxlist ??= [])
    if (this.#order.length > 0) {
      // found_mx() sorts by address family over all priorities (outbound.ini inet_prefer); ours are in order already.
      const order = this.#order.filter((mx) => list.includes(mx))
      if (order.length === list.length) list.splice(0, list.length, ...order)
      this.#order = []
    }
    this.#visit?.noteLost()
    for (;;) {
      const mx = list[0]
      if (mx === undefined) return this.#exhausted(list, next)
      const exchange = this.#watchedExchange(mx)
      const key = exchange === undefined ? undefined : exchangeKey(exchange)
      if (this.#visit !== undefined && this.#visit.key !== key) this.#leave()
      if (exchange === undefined) {
        this.#tried++
        return next()
      }
      if (this.#visit !== undefined) {
        // Another address of the same relay: it has the same passwords.
        if (this.#visit.failure?.kind !== 'auth') return next()
        list.shift()
        continue
      }
      const mxs = this.#takeAll(list, exchangeKey(exchange))
      if (this.#enter(exchange, mxs, false)) {
        list.unshift(...mxs)
        return next()
      }
    }
  }

  /** The addresses of one server at the head of the list. */
  #takeAll(list: HarakaMxLike[], key: string): HarakaMxLike[] {
    const end = list.findIndex((mx) => {
      const exchange = this.#watchedExchange(mx)
      return exchange === undefined || exchangeKey(exchange) !== key
    })
    return list.splice(0, end < 0 ? list.length : end)
  }

  #enter(exchange: Exchange, mxs: HarakaMxLike[], lastResort: boolean): boolean {
    const entered = this.#context.relays.enter(exchange, lastResort)
    if ('usable' in entered) {
      this.#hmail.loginfo(`not now: ${entered.message}`)
      this.#skipped.push({ refusal: entered, exchange, mxs })
      return false
    }
    this.#visit = new Visit(exchange, entered)
    this.#tried++
    return true
  }

  #exhausted(list: HarakaMxLike[], next: () => unknown): unknown {
    this.#leave()
    if (this.#tried === 0 && !this.#lastResort) {
      const best = this.#skipped.find(({ refusal }) => refusal.why === 'breaker')
      if (best !== undefined) {
        this.#lastResort = true
        this.#hmail.loginfo(
          `every exchange is left out, ${exchangeLabel(best.exchange)} is tried all the same`,
        )
        if (this.#enter(best.exchange, best.mxs, true)) {
          list.push(...best.mxs)
          return next()
        }
      }
    }
    const { relays, now, source, fallbackRelays } = this.#context
    const another = () => fallbackRelays.some((relay) => relays.look(relay).usable)
    const full = this.#skipped.filter(({ refusal }) => refusal.why !== 'breaker')
    if (full.length > 0) {
      this.#waitForRoom(full, source === 'attempts' && another())
      return undefined
    }
    if (source === 'attempts' && this.#tried > 0 && this.#relayFailures === this.#tried) {
      const reason = 'the relay failed, not the recipient'
      return another()
        ? waitNow(this.#hmail, `${reason}; another is tried next`, now(), 0)
        : waitNow(this.#hmail, reason, now())
    }
    return next()
  }

  #waitForRoom(full: readonly Skipped[], another: boolean): void {
    const { now, places } = this.#context
    const untils = full.map(({ refusal }) =>
      refusal.why === 'held' ? now() + HOLD_INTERVAL * 1000 : (refusal.until ?? Infinity),
    )
    const seconds = another ? 0 : (Math.min(...untils) - now()) / 1000
    const reason = full.map(({ refusal }) => refusal.message).join('; ')
    const busy = full.flatMap(({ refusal, exchange }) =>
      refusal.why === 'connections' ? [exchangeKey(exchange)] : [],
    )
    if (another || busy.length === 0) waitNow(this.#hmail, reason, now(), seconds)
    else waitNow(this.#hmail, reason, now(), seconds, (delay) => places.wait(this.#hmail, busy, delay * 1000))
  }

  #leave(): void {
    const visit = this.#visit
    if (visit === undefined) return
    this.#visit = undefined
    if (visit.failure !== undefined) this.#relayFailures++
    visit.leave(this.#delivered, () => this.#context.places.free(visit.key))
  }

  #forceTls(mx: HarakaMxLike, forcedByHaraka: () => boolean): boolean {
    const exchange = this.#watchedExchange(mx)
    if (exchange === undefined) return forcedByHaraka()
    // Only now: with it, Haraka would have passed over a relay that is local.
    if (exchange.endpoint.host !== mx.exchange) mx.from_dns = exchange.endpoint.host
    // tls.ini force_tls_hosts (which may say the name) is as good as `tls = required`: the stricter counts.
    const forced = forcedByHaraka()
    this.#forced = forced
    const required = forced || exchange.terms.tls === 'required'
    // Without enable_tls Haraka would defer at once; the guard sees to it that nothing is sent in clear.
    return required && exchange.relay?.implicitTls !== true && this.#hmail.cfg?.enable_tls !== false
  }

  #guard(mx: HarakaMxLike, socket: HarakaSocket, begin: () => void): void {
    const hmail = this.#hmail
    watchProgress(socket, replyPatience(hmail.cfg?.connect_timeout))
    if (this.#visit === undefined) begin()
    else {
      this.#visit.connect({
        socket,
        tlsOptions: hmail.obtls?.get_tls_options(mx) ?? {},
        forced: this.#forced,
        inClear: this.#inClear.has(mx),
        begin,
        giveUp: () => void hmail.try_deliver(),
        tryInClear: () => this.#tryInClear(mx),
      })
    }
  }

  /** Puts the same address first once more. */
  #tryInClear(mx: HarakaMxLike): void {
    const again = Object.create(
      Object.getPrototypeOf(mx) as object,
      Object.getOwnPropertyDescriptors(mx),
    ) as HarakaMxLike
    // As before the first time: see #forceTls.
    delete again.from_dns
    const exchange = this.#exchanges.get(mx)
    if (exchange !== undefined) this.#exchanges.set(again, exchange)
    this.#inClear.add(again)
    this.#hmail.mxlist?.unshift(again)
    this.#hmail.lognotice('TLS failed where it is not required, the same address is tried once without')
  }
}
