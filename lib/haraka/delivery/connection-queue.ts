import type { OutboundItem } from './types'

/** A message that waits for a place. */
interface Waiter {
  readonly hmail: OutboundItem
  readonly keys: readonly string[]
  readonly timer: NodeJS.Timeout
}

/** Who waits for one server, in the order of coming. */
interface Line {
  /** Woken before, when another was quicker. */
  readonly first: Set<Waiter>
  readonly rest: Set<Waiter>
}

/**
 * Messages that wait for one of a relay's connections (`max_connections`). They hold none of Haraka's own places meanwhile, and go
 * on as soon as a connection is free. Haraka's own waiting (`temp_fail_queue`) looks at its clock once a second, which would be one
 * message a second for each connection. Their files are in the queue as ever, so that nothing is lost with the process.
 */
export class Places {
  readonly #waiting = new Map<string, Line>()
  /** Woken, and not yet served: they keep their place in the line if another was quicker. */
  readonly #woken = new WeakSet<OutboundItem>()
  readonly #push: (hmail: OutboundItem) => void

  /** @param push puts a message into Haraka's delivery queue (`outbound/queue.js` `delivery_queue`) */
  constructor(push: (hmail: OutboundItem) => void) {
    this.#push = push
  }

  /**
   * Ends the attempt and waits for a place at one of these servers.
   *
   * @param milliseconds after which the message goes on in any case
   */
  wait(hmail: OutboundItem, keys: readonly string[], milliseconds: number): void {
    const waiter: Waiter = {
      hmail,
      keys,
      timer: setTimeout(() => this.#wake(waiter), milliseconds).unref(),
    }
    const before = this.#woken.delete(hmail)
    for (const key of keys) {
      const line = this.#waiting.get(key) ?? { first: new Set(), rest: new Set() }
      this.#waiting.set(key, line)
      if (before) line.first.add(waiter)
      else line.rest.add(waiter)
    }
    hmail.next_cb()
  }

  /** Servers that somebody waits for. */
  get lines(): number {
    return this.#waiting.size
  }

  /** A connection of this server is free. */
  free(key: string): void {
    const line = this.#waiting.get(key)
    if (line === undefined) return
    for (const waiters of [line.first, line.rest]) {
      for (const waiter of waiters) {
        this.#wake(waiter)
        return
      }
    }
  }

  #wake(waiter: Waiter): void {
    clearTimeout(waiter.timer)
    // Out of every line: one that nobody asks for any more, of a relay that is gone, keeps no message.
    for (const key of waiter.keys) {
      const line = this.#waiting.get(key)
      if (line === undefined) continue
      line.first.delete(waiter)
      line.rest.delete(waiter)
      if (line.first.size + line.rest.size === 0) this.#waiting.delete(key)
    }
    this.#woken.add(waiter.hmail)
    this.#push(waiter.hmail)
  }
}
