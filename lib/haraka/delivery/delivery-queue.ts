import type { Exchange } from '../../model/exchange'
import type { RelayState } from '../../relays/types'
import type { OutboundItem } from '../../haraka-objects/outbound'

/**
 * Messages that wait in memory until they can go on: for one of a server's connections (`max_connections`), or for a token. They hold
 * none of Haraka's sending threads meanwhile, and go on at once. Haraka's own waiting (`temp_fail_queue`) looks at its clock once a
 * second, which would be one message a second for each connection. Their files stay in the queue folder, so that nothing is lost with
 * the process.
 */
export class DeliveryQueue {
  readonly #relays: Pick<RelayState, 'whenFree'>
  readonly #push: (hmail: OutboundItem) => void
  /** Woken, and not yet served: they keep their place in the line if another was quicker. */
  readonly #woken = new WeakSet<OutboundItem>()

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

  /**
   * Ends the attempt and waits for a connection to one of these servers.
   *
   * @param milliseconds after which the message goes on in any case
   * @returns ends the wait
   */
  waitForConnection(hmail: OutboundItem, exchanges: readonly Exchange[], milliseconds: number): () => void {
    const first = this.#woken.delete(hmail)
    let isWaiting = true
    const wake = () => {
      if (!isWaiting) return
      isWaiting = false
      clearTimeout(timer)
      // Leaves every line: a relay that is no longer used must not keep a message.
      for (const leave of leaveLines) leave()
      this.#woken.add(hmail)
      this.#push(hmail)
    }
    const timer = setTimeout(wake, milliseconds).unref()
    const leaveLines = exchanges.map((exchange) => this.#relays.whenFree(exchange, wake, { first }))
    hmail.next_cb()
    return wake
  }
}
