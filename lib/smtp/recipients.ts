import { isGood, isTemporary, type Reply } from '../model/reply'
import type { RefusedRecipient } from './session-types'

type RecipientPlace = Pick<RefusedRecipient, 'recipient' | 'index'>

/** The recipients of one message at one server, and what it said to each. */
export class Recipients {
  readonly #refused: RefusedRecipient[] = []
  /** Taken at RCPT; in LMTP they wait for their reply to the end of the message (RFC 2033 section 4.2). */
  readonly #taken: RecipientPlace[] = []
  #last: RecipientPlace = { recipient: '', index: -1 }

  /** Those that were refused, in the order of the replies. */
  get refused(): readonly RefusedRecipient[] {
    return this.#refused
  }

  /** How often RCPT was said. */
  get count(): number {
    return this.#last.index + 1
  }

  /** Were all of them refused, for the time being? */
  get areAllDeferred(): boolean {
    return this.#refused.length === this.count && this.#refused.every(({ reply }) => isTemporary(reply))
  }

  /** RCPT is said. */
  ask(recipient: string): void {
    this.#last = { recipient, index: this.count }
  }

  /** The reply to RCPT. */
  answer(reply: Reply): void {
    if (isGood(reply)) this.#taken.push(this.#last)
    else this.#refused.push({ ...this.#last, stage: 'rcpt', reply })
  }

  /** One reply to the end of the message in LMTP, which is that of the next recipient that was taken. */
  answerEnd(reply: Reply): void {
    const place = this.#taken.shift()
    if (place !== undefined && !isGood(reply)) this.#refused.push({ ...place, stage: 'dot', reply })
  }
}
