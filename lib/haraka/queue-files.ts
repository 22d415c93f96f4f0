import { existsSync } from 'node:fs'
import type { HMailItem } from '../haraka-objects/outbound'

/**
 * The files of the queue whose messages this process is sending, or that wait without an attempt being counted, and which item of
 * Haraka's queue each belongs to. For `haraka --qunstick DOMAIN` Haraka 3.3.4 (`outbound/queue.js` `flush_queue`) makes another item of
 * every file of the domain, and would send the message once for each.
 */
export class QueueFiles {
  readonly #items = new Map<string, HMailItem>()
  readonly #isWaiting: (hmail: HMailItem) => boolean

  /** @param isWaiting will the item come to `get_mx` again, with the same file? */
  constructor(isWaiting: (hmail: HMailItem) => boolean) {
    this.#isWaiting = isWaiting
  }

  /** An item comes to `get_mx`. Its file is used until Haraka is done with the item (`next_cb`), or for as long as it waits. */
  use(hmail: HMailItem): void {
    const { path, next_cb: next } = hmail
    this.#items.set(path, hmail)
    const end = () => {
      if (hmail.next_cb === end) hmail.next_cb = next
      if (!this.#isWaiting(hmail)) this.#items.delete(path)
      next.call(hmail)
    }
    hmail.next_cb = end
  }

  /** The other item that has the file of this one. */
  findOther(hmail: HMailItem): HMailItem | undefined {
    const other = this.#items.get(hmail.path)
    return other !== undefined && other !== hmail && existsSync(hmail.path) ? other : undefined
  }
}
