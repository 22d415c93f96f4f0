import { isGood, isTemporary, type Reply } from '../model/reply'
import type { RefusedRecipient } from './session-types'

type RecipientPlace = Pick<RefusedRecipient, 'recipient' | 'index'>

/** The recipients of one message at one server, and its reply to each. */
export class Recipients {
  readonly #refused: RefusedRecipient[] = []
  /** Accepted at RCPT; in LMTP they wait for their reply to the end of the message (RFC 2033 section 4.2). */
  readonly #taken: RecipientPlace[] = []
  #last: RecipientPlace = { recipient: '', index: -1 }
  #hasTaken = false

  /** Those that were refused, in the order of the replies. */
  get refused(): readonly RefusedRecipient[] {
    return this.#refused
  }

  /** How many RCPT commands were sent. */
  get count(): number {
    return this.#last.index + 1
  }

  /** Are all of them refused temporarily? */
  get areAllDeferred(): boolean {
    return this.#refused.length === this.count && this.#refused.every(({ reply }) => isTemporary(reply))
  }

  /**
   * In LMTP, how many replies to the end of the message are missing, if one of those before them took it: then the message must not be
   * sent again to all.
   */
  get missing(): number {
    return this.#hasTaken ? this.#taken.length : 0
  }

  /** RCPT is sent. */
  ask(recipient: string): void {
    this.#last = { recipient, index: this.count }
  }

  /** The reply to RCPT. */
  answer(reply: Reply): void {
    if (isGood(reply)) this.#taken.push(this.#last)
    else this.#refused.push({ ...this.#last, stage: 'rcpt', reply })
  }

  /** One reply to the end of the message in LMTP, which is for the next recipient that was accepted. */
  answerEnd(reply: Reply): void {
    const place = this.#taken.shift()
    this.#hasTaken ||= isGood(reply)
    if (place !== undefined && !isGood(reply)) this.#refused.push({ ...place, stage: 'dot', reply })
  }
}
