import type { Exchange } from '../../model/exchange'
import type { RelayState } from '../../relays/types'
import type { OutboundItem } from '../../haraka-objects/outbound'

/** Between two looks at those that wait. */
const TICK_MS = 1_000
/** A message that waits for room looks again after this time at the earliest, unless Haraka's own interval is shorter. */
const SHORTEST_SECONDS = 60
/** After this time at the latest, however many wait. */
const LONGEST_SECONDS = 600

/** A message that waits for room. */
interface WaitingMessage {
  /** The tick at which it began. */
  readonly since: number
  /** Seconds until it may look again. */
  readonly seconds: number
  readonly wake: () => void
}

/**
 * Messages that wait in memory until they can go on: for room at a server (a place of its limits, or the end of a hold), or for a token.
 * They hold none of Haraka's sending threads meanwhile, and go on at once. In Haraka's own waiting (`temp_fail_queue`) each of them
 * would be tried again after its interval, and its place found by walking along all that wait. Their files stay in the queue folder, so
 * that nothing is lost with the process.
 *
 * What ends a wait is an event, and until then a message has no timer. In case an event is missed, and because an attempt also depends
 * on the time (`$age`, Haraka's limit of attempts), those that have waited longest look again: each second so many that each does
 * within {@link LONGEST_SECONDS}.
 */
export class DeliveryQueue {
  readonly #relays: Pick<RelayState, 'whenFree'>
  readonly #push: (hmail: OutboundItem) => void
  /** Woken, and not yet served: they keep their place in the line if another was quicker. */
  readonly #woken = new WeakSet<OutboundItem>()
  /** The one that has waited longest first. */
  readonly #waiting = new Map<OutboundItem, WaitingMessage>()
  #ticks = 0
  #timer: NodeJS.Timeout | undefined

  /** @param push puts a message into Haraka's delivery queue (`outbound/queue.js` `delivery_queue`) */
  constructor(relays: Pick<RelayState, 'whenFree'>, push: (hmail: OutboundItem) => void) {
    this.#relays = relays
    this.#push = push
  }

  /**
   * Ends the attempt, and goes on when the token endpoint has answered, which it does soon.
   *
   * @param settled never rejects
   */
  waitForToken(hmail: OutboundItem, settled: Promise<void>): void {
    void settled.then(() => this.#push(hmail))
    hmail.next_cb()
  }

  /** How long a message that begins to wait now will wait if nothing happens. Seconds; `interval`: Haraka's own. */
  secondsToLook(interval: number): number {
    return Math.max(Math.min(interval, SHORTEST_SECONDS), Math.min(this.#waiting.size, LONGEST_SECONDS))
  }

  /**
   * Ends the attempt and waits until one of these servers has a free place.
   *
   * @param exchanges none: only {@link secondsToLook}, and what is returned, end the wait
   * @param interval Haraka's own until the next attempt, seconds
   * @returns ends the wait
   */
  waitForRoom(hmail: OutboundItem, exchanges: readonly Exchange[], interval: number): () => void {
    const first = this.#woken.delete(hmail)
    const wake = () => {
      if (this.#waiting.get(hmail)?.wake !== wake) return
      this.#waiting.delete(hmail)
      // Leaves every line: a relay that is no longer used must not keep a message.
      for (const leave of leaveLines) leave()
      this.#woken.add(hmail)
      this.#push(hmail)
    }
    this.#waiting.set(hmail, { since: this.#ticks, seconds: Math.min(interval, SHORTEST_SECONDS), wake })
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
    const leaveLines = exchanges.map((exchange) => this.#relays.whenFree(exchange, wake, { first }))
    hmail.next_cb()
    return wake
  }

  #tick(): void {
    this.#ticks++
    let left = Math.ceil(this.#waiting.size / LONGEST_SECONDS)
    for (const { since, seconds, wake } of this.#waiting.values()) {
      const waited = this.#ticks - since
      if (waited < seconds || (waited < LONGEST_SECONDS && left-- === 0)) break
      wake()
    }
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
