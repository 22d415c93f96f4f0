import { MINUTE_MS } from '../model/duration'
import type { LimitLedger, LimitLender, Portion } from '../relays/limit-lender'
import type { Limits } from '../relays/limit-types'
import type { RedisConnection } from './connection'
import { HostMembership, type HostMembershipOptions } from './host-membership'
import { type HostPart, type HostSlice, shareAlone } from './host-share'
import { BUSY_BEAT_MS, LimitEntries, type LimitEntry } from './limit-entries'
import { writeLimitsCall } from './limits-call'
import { type LimitGrant, type LimitsReply, readLimitsReply } from './limits-reply'
import { LIMITS } from './limits-script'
import { declareLimit, type ToldLimit } from './told-limit'

/** Calls a function once after so many ms, and returns what takes that back. */
export type Timer = (work: () => void, ms: number) => () => void

export interface SharedLimitsOptions extends HostMembershipOptions {
  readonly connection: RedisConnection
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
  /** @default one that does not keep the process alive */
  readonly timer?: Timer
}

/** How soon Redis is asked again where somebody waits, and where nothing is to be said. Milliseconds. */
const WAITING_BEAT_MS = 50
const IDLE_BEAT_MS = 1_000
/** Time for which a free place is kept for the next message of this host, milliseconds. */
const KEEP_MS = 5
/** A host that has never reached Redis waits so long for its first reply. Milliseconds. */
const FIRST_REPLY_MS = 1_000
/** Calls that do not count, one after the other. */
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
  /** `new`: Redis has never answered. `alone`: it has gone. */
  #mode: 'new' | 'shared' | 'alone'
  #goneAt: number
  #writtenAt = -Infinity
  /** Redis is not asked before: it has just failed. */
  #retryAt = 0
  /** The wait for the first reply. */
  #first: Promise<void> | undefined
  #call: Promise<void> | undefined
  #next: Promise<void> | undefined
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

  /** The hosts that live. */
  get hosts(): number {
    return this.#membership.hosts
  }

  /** What is this host's without Redis. */
  get slice(): HostSlice {
    return this.#membership.slice
  }

  /** Did Redis answer the last time? */
  get isShared(): boolean {
    return this.#mode === 'shared'
  }

  /** Is known what all others have, so that all of a limit can be lent? */
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
    if (this.isShared && this.#entries.untold.size > 0) this.#schedule(KEEP_MS)
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
    // Without Redis a host may use more than it has said.
    if (!this.isShared) this.#entries.untold.add(entry)
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
    // Nothing is shared yet: the limits are all this host's, unless Redis answers after all.
    return this.#first === undefined ? { connections: Infinity, messages: Infinity } : part
  }

  /** One call at a time: those who ask meanwhile share the next. Never rejects. */
  #ask(): Promise<void> {
    if (!this.#connection.isReady || this.#monotonic() < this.#retryAt) {
      this.#lose()
      this.#goOn()
      return (this.#mode === 'new' ? this.#first : undefined) ?? Promise.resolve()
    }
    // After this turn of the event loop, with all that is asked in it.
    this.#next ??= (this.#call ?? Promise.resolve()).then(() => {
      this.#next = undefined
      this.#freeze()
      this.#call = this.#tell().finally(() => {
        this.#call = undefined
        this.#goOn()
      })
      return this.#call
    })
    return this.#next
  }

  /** What a host may use without Redis does not grow any more once it is about to be said. */
  #freeze(): void {
    if (this.#mode !== 'alone') return
    for (const entry of this.#entries.all()) {
      const { connections, messages } = entry.part
      entry.part = this.#partOf(entry)
      if (entry.part.connections > connections || entry.part.messages > messages)
        this.#entries.untold.add(entry)
    }
  }

  async #tell(): Promise<void> {
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
    const told = this.#declare(sentAt)
    const { untold } = this.#entries
    const isWhole = told.filter(({ entry }) => untold.has(entry)).length === untold.size
    const { keys, values } = writeLimitsCall(told, membership.head({ isWhole, sentAt }))
    try {
      const reply = readLimitsReply(await this.#connection.run(LIMITS, keys, values), told.length)
      membership.noteClock(reply.now, sentAt)
      if (reply.kind === 'limits') {
        this.#take(told, reply)
        return false
      }
      this.#takeBack(told)
      if (membership.hear(reply, sentAt)) this.#entries.loseAll()
      // It is there: from now on the others have their shares.
      if (this.#mode === 'new') this.#goAlone()
      return reply.kind !== 'wait'
    } catch (error) {
      this.#takeBack(told)
      throw error
    }
  }

  #declare(now: number): readonly ToldLimit[] {
    const { clockOffset, isSettled } = this.#membership
    // The first call only asks for the time.
    if (clockOffset === undefined) return []
    const { changed, waiting, busy, unlisted } = this.#entries
    return [...this.#entries.choose(now)].map((entry) => {
      const told = declareLimit(entry, this.#ledger!, { now, clockOffset, keeps: !isSettled.connections })
      changed.delete(entry)
      waiting.delete(entry)
      // At the end, so that each has its turn.
      if (told.wanted > 0) waiting.add(entry)
      if (told.used === 0) busy.delete(entry)
      if (told.listsHours) unlisted.delete(entry)
      return told
    })
  }

  /** Redis may not have heard it. */
  #takeBack(told: readonly ToldLimit[]): void {
    for (const { entry, listsHours } of told) {
      this.#entries.changed.add(entry)
      if (!listsHours) continue
      entry.hoursToldAt = -Infinity
      this.#entries.unlisted.add(entry)
    }
  }

  #take(told: readonly ToldLimit[], reply: LimitsReply): void {
    const { isSettled } = this.#membership
    const isChanged = this.#membership.take(reply) || !this.isShared
    this.#mode = 'shared'
    if (reply.isSettled.connections && !isSettled.connections) this.#entries.noteSettled()
    for (const [index, each] of told.entries()) this.#adopt(each, reply.grants[index]!)
    for (const name of reply.short) this.#giveUp(this.#entries.named(name))
    // Written down before it is confirmed: others rely on it.
    if (isChanged) this.#schedule(KEEP_MS)
    if (isChanged || this.#isMemoryOld()) this.#remember()
  }

  #adopt({ entry, keep, count, reserve }: ToldLimit, grant: LimitGrant): void {
    const { maxConnections = Infinity, maxPerHour = Infinity } = entry.limits
    entry.part = {
      connections: keep + Math.min(grant.connections, maxConnections),
      messages: count + Math.min(grant.messages, maxPerHour),
    }
    entry.othersWaiting = grant.othersWaiting
    entry.waitMs = grant.waitMs
    entry.toldAt = this.#monotonic()
    this.#entries.untold.delete(entry)
    // What is not used of it, and what is no longer kept in reserve, is free when that is said.
    if (grant.connections > 0 || grant.messages < reserve) this.#entries.changed.add(entry)
  }

  /** Others want messages that this host may have in reserve. */
  #giveUp(entry: LimitEntry | undefined): void {
    if (entry === undefined || this.#monotonic() - entry.toldAt < WAITING_BEAT_MS) return
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
    const { waiting, busy, changed, untold, unlisted } = this.#entries
    let beat = busy.size + changed.size + unlisted.size > 0 ? BUSY_BEAT_MS : IDLE_BEAT_MS
    for (const entry of waiting) {
      this.#ledger?.offer(entry.limits.key)
      const use = this.#ledger?.use(entry.limits.key)
      if (use === undefined || use.wanted === 0) waiting.delete(entry)
      // Who waits for the hour to go by is in no hurry.
      else if (entry.limits.maxPerHour === undefined || use.used + use.sent < entry.part.messages) {
        beat = WAITING_BEAT_MS
      }
    }
    if (this.isShared && untold.size > 0) beat = 0
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
