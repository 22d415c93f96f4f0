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

/** The place of a decision among the last ones. */
export interface DecisionSlot {
  readonly number: number
  /** The message's id, as the log has it. */
  readonly id: string
  readonly at: number
  readonly decided: Decided
  /** What is done; undefined while that is not known of one that is to be tried. */
  action: Action | undefined
  /** Why it waits now. */
  wait: WaitReason | undefined
  /** Why it is not tried, or waits. */
  reason: string
  end: AttemptEnd | undefined
  /** Since it was last taken. */
  hasChanged: boolean
}

/** Decisions of one worker that wait to be taken, at most. */
const CAPACITY = 256
/** The most characters of an address. RFC 5321 section 4.5.3.1: 64 of the local part, 255 of the domain. */
const LONGEST_ADDRESS = 320

/**
 * The last decisions of a worker. They are kept as they are and put into words only when they are taken: a busy server takes a part of
 * them.
 */
export class DecisionRing {
  readonly #slots: DecisionSlot[] = []
  readonly #capacity: number
  #count = 0

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  add(id: string, decided: Decided, at: number): DecisionSlot {
    const { action, reason = '' } = decided
    const slot: DecisionSlot = {
      number: this.#count,
      id,
      at,
      decided,
      action: action === 'try' ? undefined : action,
      wait: undefined,
      reason,
      end: undefined,
      hasChanged: true,
    }
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
  const { number, id, at, decided, action = 'try', wait, reason, end } = slot
  const { message, decision, located, file = '' } = decided
  const address = (text: string) => toPrintable(text, { max: LONGEST_ADDRESS })
  return {
    key: `${pid}.${number}`,
    id,
    file: toPrintable(file, { max: LONGEST_ADDRESS }),
    at,
    domain: address(decision.domain),
    sender: address(message.mailFrom),
    recipients: message.rcptTo.slice(0, MOST_RECIPIENTS).map(address),
    otherRecipients: Math.max(0, message.rcptTo.length - MOST_RECIPIENTS),
    size: message.size,
    retries: message.retries,
    source: decision.source,
    lines: decision.matched.slice(0, MOST_CONNECTIONS),
    action,
    exchanges: located.slice(0, MOST_CONNECTIONS).map(({ exchange }) => toPrintable(exchangeLabel(exchange))),
    reason: toPrintable(reason, { max: 500 }),
    ...(wait === undefined ? {} : { wait }),
    ...(end === undefined ? {} : { end }),
  }
}
