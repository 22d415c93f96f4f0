import type { OutboundItem } from './delivery-types'

/** A message that waits for a place. */
interface Waiter {
  readonly hmail: OutboundItem
  readonly timer: NodeJS.Timeout
  awake: boolean
}

/**
 * Messages that wait for one of a relay's connections (`max_connections`). They hold none of Haraka's own places meanwhile, and go
 * on as soon as a connection is free. Haraka's own waiting (`temp_fail_queue`) looks at its clock once a second, which would be one
 * message a second for each connection. Their files are in the queue as ever, so that nothing is lost with the process.
 */
export class Places {
  readonly #waiting = new Map<string, Waiter[]>()
  /** Woken, and not yet served: they keep their place in the line if another was quicker. */
  readonly #woken = new WeakSet<OutboundItem>()
  readonly #push: (hmail: OutboundItem) => void

  /** @param push puts a message into Haraka's delivery queue (`outbound/queue.js` `delivery_queue`) */
  constructor(push: (hmail: OutboundItem) => void) {
    this.#push = push
  }

  /**
   * Ends the attempt and waits for a place at one of these nexthops.
   *
   * @param milliseconds after which the message goes on in any case
   */
  wait(hmail: OutboundItem, keys: readonly string[], milliseconds: number): void {
    const waiter: Waiter = {
      hmail,
      awake: false,
      timer: setTimeout(() => this.#wake(waiter), milliseconds).unref(),
    }
    const before = this.#woken.delete(hmail)
    for (const key of keys) {
      const line = this.#waiting.get(key) ?? []
      this.#waiting.set(key, line)
      // Those whose time came went from the front, or nearly so: the line does not grow by them.
      while (line[0]?.awake === true) line.shift()
      if (before) line.unshift(waiter)
      else line.push(waiter)
    }
    hmail.next_cb()
  }

  /** A connection of this nexthop is free. */
  free(key: string): void {
    const line = this.#waiting.get(key)
    if (line === undefined) return
    for (let waiter = line.shift(); waiter !== undefined; waiter = line.shift()) {
      if (waiter.awake) continue
      this.#wake(waiter)
      break
    }
    if (line.length === 0) this.#waiting.delete(key)
  }

  #wake(waiter: Waiter): void {
    if (waiter.awake) return
    waiter.awake = true
    clearTimeout(waiter.timer)
    this.#woken.add(waiter.hmail)
    this.#push(waiter.hmail)
  }
}
