import { randomFillSync } from 'node:crypto'

/** A query that waits on a socket. */
export interface ReplyWaiter {
  /** Called with each message that has the query's id. Returns whether it was the reply: then the wait is over. */
  receive(message: Buffer): boolean
  /** The socket failed, so no reply will come. Called once at most, never after `release`. */
  fail(error: NodeJS.ErrnoException): void
}

/** A query's place on a socket: an id that no other query on it has. */
export interface QuerySlot {
  readonly id: number
  /** False if the socket has been used before: the server may have closed it in the meantime. */
  readonly fresh: boolean
  /** Sends the query, whose first two octets are the id, as soon as the socket is connected. */
  send(message: Buffer): void
  /** The reply is overdue. If nothing came on the socket since the place was taken, new queries use another one. */
  noteOverdue(): void
  /** Gives the place back. Nothing is called any more. Call it when the wait is over, however it ended. */
  release(): void
}

/** Sockets to one server. */
export interface Channel {
  reserve(waiter: ReplyWaiter): QuerySlot
  /** Sockets that are open. */
  readonly open: number
  /** Closes every socket; queries that wait fail. */
  close(): void
}

/** Query ids that cannot be predicted (RFC 5452 section 4.3). They are fetched from the system's generator by the page. */
export class RandomIds {
  readonly #page = new Uint16Array(512)
  #next = this.#page.length

  /** A number below 65536 for which `taken` is false. Callers keep far fewer than 65536 in use. */
  draw(taken: { has(id: number): boolean }): number {
    for (;;) {
      if (this.#next === this.#page.length) {
        randomFillSync(this.#page)
        this.#next = 0
      }
      const id = this.#page[this.#next++]!
      if (!taken.has(id)) return id
    }
  }
}

/** A channel's own failure. The message follows the server's name in a sentence: `closed the connection`. */
export class ChannelError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'ChannelError'
    this.code = code
  }
}

/** The error for queries that wait on a socket when the resolver is closed. */
export function closedError(): ChannelError {
  return new ChannelError('ECANCELLED', 'was not asked: the resolver is closed')
}
