import type { Exchange } from '../../model/exchange'
import type { RelayState } from '../../relays/types'
import type { WaitReason } from '../../status/facts'
import type { OutboundItem } from '../../haraka-objects/outbound'

/** Between two looks at those that wait. */
const TICK_MS = 1_000
/** A message that waits for room looks again after this time at the earliest, unless Haraka's own interval is shorter. */
const SHORTEST_SECONDS = 60
/**
 * After this time at the latest, however many wait. For rules that look at the age of a message (`$age`), and in case an event is missed.
 * Haraka's own intervals are longer than this from the seventh on.
 */
const LONGEST_SECONDS = 3_600

/** The turn in Haraka's queue is over: while the message waits, nothing that Haraka made for it (250 bytes) is kept. */
const NO_TURN = (): void => {}

/** A message that waits for room. */
interface WaitingMessage {
  /** The tick at which it began. */
  readonly since: number
  /** Seconds until it may look again. */
  readonly seconds: number
  /** @param looking nothing has happened: it only looks again */
  readonly wake: (looking: true) => void
}

/** How a message waits for room. */
export interface RoomToWaitFor {
  /** Servers of which one that has room is enough. None: only the time, and the function that is returned, end the wait. */
  readonly exchanges: readonly Exchange[]
  readonly why: WaitReason
  /** Haraka's own until the next attempt, seconds. */
  readonly interval: number
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
  /** Woken, and not yet served: they keep their place in the line if another was quicker. Of those that only look, why they wait. */
  readonly #woken = new WeakMap<OutboundItem, WaitReason | undefined>()
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

  /** Has the message only looked, and waits on for the same reason? To be asked before {@link waitForRoom}. */
  waitsOn(hmail: OutboundItem, why: WaitReason): boolean {
    return this.#woken.get(hmail) === why
  }

  /** A server is asked: if the message waits after that, it has not only looked. */
  noteTry(hmail: OutboundItem): void {
    if (this.#woken.get(hmail) !== undefined) this.#woken.set(hmail, undefined)
  }

  /**
   * Ends the attempt and waits until one of these servers has a free place.
   *
   * @returns ends the wait
   */
  waitForRoom(hmail: OutboundItem, { exchanges, why, interval }: RoomToWaitFor): () => void {
    const first = this.#woken.delete(hmail)
    const wake = (looking = false) => {
      if (this.#waiting.get(hmail)?.wake !== wake) return
      this.#waiting.delete(hmail)
      // Leaves every line: a relay that is no longer used must not keep a message.
      for (const leave of leaveLines) leave()
      this.#woken.set(hmail, looking ? why : undefined)
      this.#push(hmail)
    }
    this.#waiting.set(hmail, { since: this.#ticks, seconds: Math.min(interval, SHORTEST_SECONDS), wake })
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
    const leaveLines = exchanges.map((exchange) => this.#relays.whenFree(exchange, wake, { first }))
    hmail.next_cb()
    hmail.next_cb = NO_TURN
    return wake
  }

  #tick(): void {
    this.#ticks++
    let left = Math.ceil(this.#waiting.size / LONGEST_SECONDS)
    for (const { since, seconds, wake } of this.#waiting.values()) {
      const waited = this.#ticks - since
      if (waited < seconds || (waited < LONGEST_SECONDS && left-- === 0)) break
      wake(true)
    }
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
