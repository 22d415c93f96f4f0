import { MINUTE_MS } from '../model/duration'
import type { LimitLedger, LimitLender, Portion } from '../relays/limit-lender'
import type { Limits } from '../relays/limit-types'
import type { RedisConnection } from './connection'
import { HostMembership, type HostMembershipOptions } from './host-membership'
import { type HostPart, type HostSlice, shareAlone } from './host-share'
import { BUSY_BEAT_MS, LimitEntries } from './limit-entries'
import type { DeclaredLimit, LimitEntry } from './limit-entry'
import { writeLimitsCall } from './limits-call'
import { type LimitsReply, readLimitsReply } from './limits-reply'
import { LIMITS } from './limits-script'

/** Calls a function once, after `ms` milliseconds. The function that it returns cancels that. */
export type Timer = (work: () => void, ms: number) => () => void

export interface SharedLimitsOptions extends HostMembershipOptions {
  readonly connection: RedisConnection
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
  /** @default one that does not keep the process alive */
  readonly timer?: Timer
}

/** Time until Redis is asked again: while somebody waits, and while there is nothing to declare. Milliseconds. */
const WAITING_BEAT_MS = 50
const IDLE_BEAT_MS = 1_000
/** Time for which a free place is kept for the next message of this host, milliseconds. */
const KEEP_MS = 5
/** Time for which a host that has never reached Redis waits for its first reply, milliseconds. */
const FIRST_REPLY_MS = 1_000
/** The most calls, one after the other, that Redis may refuse. */
const MOST_REFUSALS = 4

const systemTimer: Timer = (work, ms) => {
  const timer = setTimeout(work, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * Limits over the hosts that use the same Redis. The process that counts for a host asks for portions: connections that it may open,
 * and messages that it may send. It uses them without asking, so a busy host asks Redis less than once a message.
 */
export class SharedLimits implements LimitLender {
  readonly #connection: RedisConnection
  readonly #monotonic: () => number
  readonly #timer: Timer
  readonly #entries = new LimitEntries()
  readonly #membership: HostMembership
  #ledger: LimitLedger | undefined
  /** `new`: Redis has never answered. `alone`: it is gone. */
  #mode: 'new' | 'shared' | 'alone'
  #goneAt: number
  #writtenAt = -Infinity
  /** Redis is not asked before this time, because it has just failed. */
  #retryAt = 0
  /** The wait for the first reply. */
  #first: Promise<void> | undefined
  #call: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** What those who asked for the last call wait for. */
  #asked: Promise<void> = Promise.resolve()
  #cancel: () => void = () => {}
  #timerAt = Infinity

  constructor({ connection, monotonic, timer = systemTimer, ...membership }: SharedLimitsOptions) {
    this.#connection = connection
    this.#monotonic = monotonic
    this.#timer = timer
    this.#membership = new HostMembership(membership)
    this.#mode = this.#membership.isRemembered ? 'alone' : 'new'
    this.#goneAt = monotonic()
    for (const [key, messages] of this.#membership.had) {
      this.#entries.know({ key, maxPerHour: messages }).part = { connections: 0, messages }
    }
  }

  /** How many hosts live. */
  get hosts(): number {
    return this.#membership.hosts
  }

  /** What this host may use without Redis. */
  get slice(): HostSlice {
    return this.#membership.slice
  }

  /** Did Redis answer the last time? */
  get isShared(): boolean {
    return this.#mode === 'shared'
  }

  /** Is all known that the others have? Only then can all of a limit be lent. */
  get isSettled(): boolean {
    const { connections, messages } = this.#membership.isSettled
    return this.isShared && connections && messages
  }

  begin(ledger: LimitLedger): void {
    this.#ledger = ledger
    this.#first = new Promise((done) => {
      this.#timer(() => {
        this.#first = undefined
        done()
      }, FIRST_REPLY_MS)
    })
    this.#connection.onReady(() => {
      this.#retryAt = 0
      void this.#ask()
    })
    this.#schedule(0)
  }

  know(limits: Limits): void {
    this.#entries.know(limits)
    if (this.isShared && this.#entries.undeclared.size > 0) this.#schedule(KEEP_MS)
  }

  portion(limits: Limits): Portion {
    const entry = this.#entries.know(limits)
    const { connections, messages } = this.#partOf(entry)
    return { maxConnections: connections, maxPerHour: messages, waitMs: entry.waitMs }
  }

  borrow(limits: Limits): Promise<void> {
    this.#entries.waiting.add(this.#entries.know(limits))
    return this.#ask()
  }

  noteWait(limits: Limits): void {
    this.#entries.waiting.add(this.#entries.know(limits))
    this.#schedule(WAITING_BEAT_MS)
  }

  noteTake(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.busy.add(entry)
    this.#entries.changed.add(entry)
    // Without Redis a host may use more than it has declared.
    if (!this.isShared) this.#entries.undeclared.add(entry)
    this.#schedule(BUSY_BEAT_MS)
  }

  noteFree(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.changed.add(entry)
    if (entry.limits.maxPerHour !== undefined) this.#entries.unlisted.add(entry)
    if (!this.isShared) return
    if (entry.othersWaiting > 0) {
      entry.othersWaiting--
      const used = this.#ledger?.use(key).used ?? 0
      entry.part = { ...entry.part, connections: Math.max(used, entry.part.connections - 1) }
    }
    this.#schedule(KEEP_MS)
  }

  #partOf({ limits, part }: LimitEntry): HostPart {
    if (this.#call !== undefined || this.isShared) return part
    if (this.#mode === 'alone') {
      const { hasAll, slice } = this.#membership
      return shareAlone(limits, part, slice, hasAll ? Infinity : this.#monotonic() - this.#goneAt)
    }
    // Nothing is shared yet: each limit is all this host's, unless Redis answers after all.
    return this.#first === undefined ? { connections: Infinity, messages: Infinity } : part
  }

  /** One call at a time: what is asked meanwhile goes with the next. Never rejects. */
  #ask(): Promise<void> {
    if (!this.#connection.isReady || this.#monotonic() < this.#retryAt) {
      this.#lose()
      this.#goOn()
      return (this.#mode === 'new' ? this.#first : undefined) ?? Promise.resolve()
    }
    // After those who asked before have taken what they were given: a call gives up all that is not taken.
    this.#next ??= this.#asked.then(() => {
      this.#next = undefined
      this.#freeze()
      this.#call = this.#callUntilAccepted().finally(() => {
        this.#call = undefined
        this.#goOn()
      })
      return this.#call
    })
    this.#asked = this.#next
    return this.#next
  }

  /** What a host may use without Redis must not grow any more once it is declared. */
  #freeze(): void {
    if (this.#mode !== 'alone') return
    for (const entry of this.#entries.all()) {
      const { connections, messages } = entry.part
      entry.part = this.#partOf(entry)
      if (entry.part.connections > connections || entry.part.messages > messages)
        this.#entries.undeclared.add(entry)
    }
  }

  async #callUntilAccepted(): Promise<void> {
    try {
      for (let refusals = 0; refusals < MOST_REFUSALS; refusals++) {
        if (this.#membership.noteConnection(this.#connection.serial)) this.#entries.loseAll()
        if (!(await this.#callOnce())) return
      }
    } catch {
      // The connection has logged it.
      this.#retryAt = this.#monotonic() + IDLE_BEAT_MS
      this.#lose()
    }
  }

  /** @returns must it be tried again at once? */
  async #callOnce(): Promise<boolean> {
    const membership = this.#membership
    const sentAt = this.#monotonic()
    const { clockOffset, isSettled } = membership
    // The first call only asks for the time.
    const declared =
      clockOffset === undefined
        ? []
        : this.#entries.declare(this.#ledger!, { now: sentAt, clockOffset, keeps: !isSettled.connections })
    const { undeclared } = this.#entries
    const isWhole = declared.filter(({ entry }) => undeclared.has(entry)).length === undeclared.size
    const { keys, values } = writeLimitsCall(declared, membership.head({ isWhole, sentAt }))
    try {
      const reply = readLimitsReply(await this.#connection.run(LIMITS, keys, values), declared.length)
      membership.noteClock(reply.now, sentAt)
      if (reply.kind === 'limits') {
        this.#take(declared, reply)
        return false
      }
      this.#entries.takeBack(declared)
      if (membership.noteRefusal(reply, sentAt)) this.#entries.loseAll()
      // Redis is there: from now on the others have their shares.
      if (this.#mode === 'new') this.#goAlone()
      return reply.kind !== 'wait'
    } catch (error) {
      this.#entries.takeBack(declared)
      throw error
    }
  }

  #take(declared: readonly DeclaredLimit[], reply: LimitsReply): void {
    const { isSettled } = this.#membership
    const isChanged = this.#membership.take(reply) || !this.isShared
    this.#mode = 'shared'
    if (reply.isSettled.connections && !isSettled.connections) this.#entries.noteSettled()
    const now = this.#monotonic()
    for (const [index, each] of declared.entries()) this.#entries.adopt(each, reply.grants[index]!, now)
    for (const name of reply.short) this.#giveUp(this.#entries.findByName(name))
    // It is written to the state folder before it is confirmed: others rely on it.
    if (isChanged) this.#schedule(KEEP_MS)
    if (isChanged || this.#isMemoryOld()) this.#remember()
  }

  /** Others need messages that this host may have in reserve. */
  #giveUp(entry: LimitEntry | undefined): void {
    if (entry === undefined || this.#monotonic() - entry.declaredAt < WAITING_BEAT_MS) return
    this.#entries.changed.add(entry)
    this.#schedule(KEEP_MS)
  }

  #lose(): void {
    if (this.isShared) this.#goAlone()
    else if (this.#mode === 'alone' && this.#isMemoryOld()) this.#remember()
  }

  #goAlone(): void {
    this.#mode = 'alone'
    this.#goneAt = this.#monotonic()
    this.#membership.noteLoss()
    this.#remember()
  }

  #isMemoryOld(): boolean {
    return this.#monotonic() - this.#writtenAt >= MINUTE_MS
  }

  #remember(): void {
    this.#writtenAt = this.#monotonic()
    const had = new Map<string, number>()
    if (this.#mode === 'alone') {
      for (const { limits, part } of this.#entries.all()) {
        if (limits.maxPerHour !== undefined && part.messages > 0) had.set(limits.key, part.messages)
      }
    }
    this.#membership.remember(had)
  }

  /** After each call, and while there is nobody to call. */
  #goOn(): void {
    const { waiting, busy, changed, undeclared, unlisted } = this.#entries
    let beat = busy.size + changed.size + unlisted.size > 0 ? BUSY_BEAT_MS : IDLE_BEAT_MS
    for (const entry of waiting) {
      this.#ledger?.offer(entry.limits.key)
      const use = this.#ledger?.use(entry.limits.key)
      if (use === undefined || use.wanted === 0) waiting.delete(entry)
      // A message that waits for the hour to pass is not in a hurry.
      else if (entry.limits.maxPerHour === undefined || use.used + use.sent < entry.part.messages) {
        beat = WAITING_BEAT_MS
      }
    }
    if (this.isShared && undeclared.size > 0) beat = 0
    this.#schedule(beat)
  }

  #schedule(ms: number): void {
    const at = this.#monotonic() + ms
    if (at >= this.#timerAt) return
    this.#cancel()
    this.#timerAt = at
    this.#cancel = this.#timer(() => {
      this.#timerAt = Infinity
      void this.#ask()
    }, ms)
  }
}
