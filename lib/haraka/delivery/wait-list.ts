import type { Exchange } from '../../model/exchange'
import type { RelayState } from '../../relays/types'
import type { OutboundItem } from '../../haraka-objects/outbound'

/** A message that waits without an attempt being counted. */
export interface WaitingMessage {
  /** Servers that are held, of which one that is resumed is enough: also if its breaker is open, which alone never holds mail. */
  readonly held: readonly Exchange[]
  /** Servers that are left out by their breakers, of which one that works again is enough. */
  readonly leftOut: readonly Exchange[]
  /** Ends the wait: the message goes back into the delivery queue. */
  readonly release: () => void
}

/** After a resume or a reload, messages go on in groups of this size, one each interval: 200 a second. */
const GROUP = 20
const GROUP_INTERVAL_MS = 100

/**
 * Messages that wait without an attempt being counted, so that they go on when the reason is gone: the relay is resumed, or there is
 * another configuration. Where they wait is not known here.
 */
export class WaitList {
  readonly #relays: Pick<RelayState, 'look'>
  readonly #waiting = new Map<OutboundItem, WaitingMessage>()
  /** Those that go on soon, not all in one moment. */
  readonly #released = new Set<OutboundItem>()
  #timer: NodeJS.Timeout | undefined

  constructor(relays: Pick<RelayState, 'look'>) {
    this.#relays = relays
  }

  add(hmail: OutboundItem, message: WaitingMessage): void {
    this.#waiting.set(hmail, message)
  }

  has(hmail: OutboundItem): boolean {
    return this.#waiting.has(hmail)
  }

  /** The message goes on by itself. */
  remove(hmail: OutboundItem): void {
    this.#waiting.delete(hmail)
  }

  /** This message goes on now, if it waits. */
  release(hmail: OutboundItem): void {
    const message = this.#waiting.get(hmail)
    this.#waiting.delete(hmail)
    message?.release()
  }

  /** Servers may be back: messages for one that was resumed, or works again, go on. */
  noteComeback(): void {
    const whyNot = (exchange: Exchange) => {
      const answer = this.#relays.look(exchange)
      return answer.usable ? undefined : answer.why
    }
    const isResumed = (exchange: Exchange) => whyNot(exchange) !== 'held'
    const works = (exchange: Exchange) => isResumed(exchange) && whyNot(exchange) !== 'breaker'
    this.#releaseAll(({ held, leftOut }) => held.some(isResumed) || leftOut.some(works))
  }

  /** There is another configuration: all are routed anew. */
  reroute(): void {
    this.#releaseAll(() => true)
  }

  #releaseAll(isMeant: (message: WaitingMessage) => boolean): void {
    for (const [hmail, message] of this.#waiting) if (isMeant(message)) this.#released.add(hmail)
    if (this.#timer === undefined) this.#releaseGroup()
  }

  #releaseGroup(): void {
    let left = GROUP
    for (const hmail of this.#released) {
      if (left-- === 0) break
      this.#released.delete(hmail)
      this.release(hmail)
    }
    const isDone = this.#released.size === 0
    this.#timer = isDone ? undefined : setTimeout(() => this.#releaseGroup(), GROUP_INTERVAL_MS).unref()
  }
}
