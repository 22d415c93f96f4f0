import { exchangeLabel } from '../model/exchange'
import type { Decision } from '../model/decision'
import type { Message } from '../model/message'
import { toPrintable } from '../model/printable'
import type { Located } from '../routing/route'
import type { Action } from './decision-counts'
import {
  type AttemptEnd,
  type DecisionEntry,
  MOST_CONNECTIONS,
  MOST_RECIPIENTS,
  type WaitReason,
} from './facts'

/** A decision about a message. */
export interface Decided {
  readonly message: Message
  readonly decision: Decision
  readonly located: readonly Located[]
  /** What is to be done. */
  readonly action: Action
  /** The name of the message's file in the queue. */
  readonly file?: string | undefined
  /** Why it is not tried. */
  readonly reason?: string | undefined
}

/**
 * The place of a decision among the last ones: text and numbers, and nothing of the message, the decision or its exchanges themselves.
 * V8 counts which literals of the code outlive a collection: if hundreds of decisions are kept, it soon makes all that a decision
 * consists of in the old part of the heap, also for the thousands that are not kept. An object of a class is not counted, and neither
 * is what `map` or `slice` returns.
 */
export class DecisionSlot {
  readonly number: number
  /** The message's id, as the log has it. */
  readonly id: string
  readonly at: number
  readonly file: string
  readonly domain: string
  readonly sender: string
  readonly recipients: readonly string[]
  readonly size: number
  readonly retries: number
  readonly source: Decision['source']
  readonly lines: readonly number[]
  /** The servers as the log calls them. */
  readonly servers: readonly string[]
  /** What is done; undefined while that is not known of one that is to be tried. */
  action: Action | undefined
  /** Why it waits now. */
  wait: WaitReason | undefined
  /** Why it is not tried, or waits. */
  reason: string
  end: AttemptEnd | undefined
  /** Since it was last taken. */
  hasChanged = true

  constructor(number: number, id: string, at: number, decided: Decided) {
    const { message, decision, located, action, file = '', reason = '' } = decided
    this.number = number
    this.id = id
    this.at = at
    this.file = file
    this.domain = decision.domain
    this.sender = message.mailFrom
    this.recipients = message.rcptTo
    this.size = message.size
    this.retries = message.retries
    this.source = decision.source
    this.lines = decision.matched.slice(0, MOST_CONNECTIONS)
    this.servers = located.slice(0, MOST_CONNECTIONS).map(({ exchange }) => exchangeLabel(exchange))
    this.action = action === 'try' ? undefined : action
    this.wait = undefined
    this.reason = reason
    this.end = undefined
  }
}

/** Decisions of one worker that wait to be taken, at most. */
const CAPACITY = 256
/** The most characters of an address. RFC 5321 section 4.5.3.1: 64 of the local part, 255 of the domain. */
const LONGEST_ADDRESS = 320

/**
 * The last decisions of a worker. Their text is made printable only when they are taken: a busy server takes a part of them.
 */
export class DecisionRing {
  readonly #slots: DecisionSlot[] = []
  readonly #capacity: number
  #count = 0

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  add(id: string, decided: Decided, at: number): DecisionSlot {
    const slot = new DecisionSlot(this.#count, id, at, decided)
    this.#slots[this.#count++ % this.#capacity] = slot
    return slot
  }

  /** New and changed decisions. @param pid of this process */
  take(pid: number): DecisionEntry[] {
    const changed = this.#slots.filter(({ hasChanged }) => hasChanged)
    for (const slot of changed) slot.hasChanged = false
    return changed.map((slot) => describe(slot, pid))
  }
}

function describe(slot: DecisionSlot, pid: number): DecisionEntry {
  const { number, id, at, recipients, action = 'try', wait, end } = slot
  const printable = (text: string) => toPrintable(text, { max: LONGEST_ADDRESS })
  return {
    key: `${pid}.${number}`,
    id,
    file: printable(slot.file),
    at,
    domain: printable(slot.domain),
    sender: printable(slot.sender),
    recipients: recipients.slice(0, MOST_RECIPIENTS).map(printable),
    otherRecipients: Math.max(0, recipients.length - MOST_RECIPIENTS),
    size: slot.size,
    retries: slot.retries,
    source: slot.source,
    lines: slot.lines,
    action,
    exchanges: slot.servers.map((server) => toPrintable(server)),
    reason: toPrintable(slot.reason, { max: 500 }),
    ...(wait === undefined ? {} : { wait }),
    ...(end === undefined ? {} : { end }),
  }
}
