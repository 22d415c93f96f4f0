import { existsSync } from 'node:fs'
import type { HMailItem } from '../haraka-objects/outbound'

interface UsedFile {
  readonly hmail: HMailItem
  /** Does the message wait, without an attempt being counted? Then its file has kept its name. */
  isWaiting: boolean
}

/**
 * The files of the queue whose messages this process is sending, or that wait without an attempt being counted, and which item of
 * Haraka's queue each belongs to. For `haraka --qunstick DOMAIN` Haraka 3.3.4 (`outbound/queue.js` `flush_queue`) makes another item of
 * every file of the domain, and would send the message once for each.
 */
export class QueueFiles {
  readonly #used = new Map<string, UsedFile>()

  /** An item comes to `get_mx`. Its file is used until Haraka is done with the item (`next_cb`), unless it {@link wait}s. */
  use(hmail: HMailItem): void {
    const { path } = hmail
    const file: UsedFile = { hmail, isWaiting: false }
    this.#used.set(path, file)
    const next = hmail.next_cb
    const end = () => {
      if (hmail.next_cb === end) hmail.next_cb = next
      if (!file.isWaiting) this.#used.delete(path)
      next.call(hmail)
    }
    hmail.next_cb = end
  }

  /** The item will come to `get_mx` again, with the same file. */
  wait(hmail: HMailItem): void {
    const file = this.#used.get(hmail.path)
    if (file?.hmail === hmail) file.isWaiting = true
  }

  /** The other item that has the file of this one. */
  findOther(hmail: HMailItem): HMailItem | undefined {
    const other = this.#used.get(hmail.path)?.hmail
    return other !== undefined && other !== hmail && existsSync(hmail.path) ? other : undefined
  }
}
