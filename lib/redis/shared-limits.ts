import { HOUR_MS } from '../model/duration'
import type { LimitLedger, LimitLender, Portion } from '../relays/limit-lender'
import type { Limits } from '../relays/limit-types'
import type { RedisConnection } from './connection'
import { type HostPart, type HostRank, shareAlone } from './host-share'
import type { HostIdentity } from './host-identity'
import { hashName, PREFIX } from './keys'
import { LIMITS } from './limits-script'
import { type LimitsReply, readLimitsReply } from './limits-reply'

export interface SharedLimitsOptions {
  readonly connection: RedisConnection
  readonly identity: HostIdentity
  /** Gives another identity, in the place of one that somebody else has as well. */
  readonly renew: () => HostIdentity
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
}

/** How soon Redis is asked again where somebody waits, where connections are in use, and else. Milliseconds. */
const WAITING_BEAT_MS = 50
const BUSY_BEAT_MS = 250
const IDLE_BEAT_MS = 1_000
/** A place that is free is kept so long for the next message of this host. Milliseconds. */
const KEEP_MS = 5
/** What was sent is told in full so often, for the time after this host. Milliseconds. */
const HOURS_INTERVAL_MS = 5_000
const MOST_LIMITS = 1_000
/** In the place of a time since which the other hosts must have spoken: they have. */
const SETTLED = 1
const HOSTS_KEY = `${PREFIX}hosts`

interface Entry {
  limits: Limits
  /** What this host may use until it asks again. */
  part: HostPart
  /** How many other hosts wait for a connection. */
  othersWaiting: number
  waitMs: number
  /** When the hours were told last, ms of the monotonic clock. */
  hoursTold: number
  /** When somebody last asked for it, ms of the monotonic clock. */
  lastUse: number
}

/** What was said of one limit in a call. */
interface Told {
  readonly entry: Entry
  readonly used: number
  /** Messages under way, and sent in the last hour. */
  readonly count: number
  readonly values: readonly (string | number)[]
}

/**
 * Limits over the hosts that use the same Redis. The process that counts for a host asks for portions: connections that it may open,
 * and messages that it may send. It uses them without asking, so a busy host asks Redis less than once a message.
 */
export class SharedLimits implements LimitLender {
  readonly #options: SharedLimitsOptions
  readonly #entries = new Map<string, Entry>()
  #identity: HostIdentity
  #ledger: LimitLedger | undefined
  #joins = true
  #since = 0
  #rank: HostRank = { hosts: 1, rank: 0 }
  /** `new`: Redis has never answered. `alone`: it has gone. */
  #mode: 'new' | 'shared' | 'alone' = 'new'
  #goneAt = 0
  /** Redis is not asked before: it has just failed. */
  #retryAt = 0
  /** What the clock of Redis shows more than ours. Milliseconds. */
  #clockOffset: number | undefined
  #call: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity

  constructor(options: SharedLimitsOptions) {
    this.#options = options
    this.#identity = options.identity
  }

  /** The hosts that were seen last. */
  get hosts(): number {
    return this.#rank.hosts
  }

  /** Did Redis answer the last time? */
  get isShared(): boolean {
    return this.#mode === 'shared'
  }

  begin(ledger: LimitLedger): void {
    this.#ledger = ledger
    this.#options.connection.onReady(() => {
      this.#retryAt = 0
      void this.#ask()
    })
    this.#schedule(0)
  }

  know(limits: Limits): void {
    this.#entry(limits)
  }

  portion(limits: Limits): Portion {
    const entry = this.#entry(limits)
    const { connections, messages } = this.#partOf(entry)
    return { maxConnections: connections, maxPerHour: messages, waitMs: entry.waitMs }
  }

  borrow(limits: Limits): Promise<void> {
    this.#entry(limits)
    return this.#ask()
  }

  noteWait(limits: Limits): void {
    this.#entry(limits)
    this.#schedule(WAITING_BEAT_MS)
  }

  /** What a host has begun must be known before it can be over. */
  noteTake(key: string): void {
    if (this.#mode === 'shared' && this.#entries.get(key)?.limits.maxPerHour !== undefined) {
      this.#schedule(KEEP_MS)
    }
  }

  noteFree(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#mode !== 'shared') return
    if (entry.othersWaiting > 0) {
      entry.othersWaiting--
      const used = this.#ledger?.use(key).used ?? 0
      entry.part = { ...entry.part, connections: Math.max(used, entry.part.connections - 1) }
    }
    this.#schedule(KEEP_MS)
  }

  #entry(limits: Limits): Entry {
    const lastUse = this.#options.monotonic()
    const known = this.#entries.get(limits.key)
    if (known !== undefined) return Object.assign(known, { limits, lastUse })
    const part = { connections: 0, messages: 0 }
    const entry: Entry = { limits, part, othersWaiting: 0, waitMs: 0, hoursTold: -Infinity, lastUse }
    this.#entries.set(limits.key, entry)
    this.#forget()
    return entry
  }

  /** Limits of sections that are no longer in the file. */
  #forget(): void {
    const now = this.#options.monotonic()
    for (const [key, { lastUse }] of this.#entries) {
      if (this.#entries.size <= MOST_LIMITS && now - lastUse < 2 * HOUR_MS) return
      if (this.#ledger?.use(key).used === 0) this.#entries.delete(key)
    }
  }

  #partOf({ limits, part }: Entry): HostPart {
    if (this.#call !== undefined || this.#mode === 'shared') return part
    // Nothing is shared yet: the limits are all this host's.
    const all = { connections: limits.maxConnections ?? Infinity, messages: limits.maxPerHour ?? Infinity }
    if (this.#mode === 'new') return all
    return shareAlone(limits, part, this.#rank, this.#options.monotonic() - this.#goneAt)
  }

  /** One call at a time: those who ask meanwhile share the next. Never rejects. */
  #ask(): Promise<void> {
    const { connection, monotonic } = this.#options
    if (!connection.isReady || monotonic() < this.#retryAt) {
      this.#lose()
      this.#goOn()
      return Promise.resolve()
    }
    // After this turn of the event loop, with all that is asked in it.
    this.#next ??= (this.#call ?? Promise.resolve()).then(() => {
      this.#next = undefined
      this.#call = this.#tell().finally(() => {
        this.#call = undefined
        this.#goOn()
      })
      return this.#call
    })
    return this.#next
  }

  async #tell(): Promise<void> {
    const { connection, monotonic } = this.#options
    const sentAt = monotonic()
    const told = [...this.#entries.values()].map((entry) => this.#declare(entry))
    const { id, instance, about } = this.#identity
    const names = told.map(({ entry }) => hashName(entry.limits.key))
    const keys = names.flatMap((name) => [`${PREFIX}limit:${name}`, `${PREFIX}hours:${name}`])
    const head = [id, instance, about, this.#rank.hosts, this.#since, this.#joins ? 1 : 0]
    const values = [...head, ...told.flatMap(({ values: own }) => own)]
    try {
      const reply = await connection.run(LIMITS, [HOSTS_KEY, ...keys], values.map(String))
      this.#take(told, readLimitsReply(reply, told.length), sentAt)
    } catch {
      // The connection has logged it.
      this.#retryAt = monotonic() + IDLE_BEAT_MS
      this.#lose()
    }
  }

  /** What is said of one limit. What this host does not say that it has, it has no more. */
  #declare(entry: Entry): Told {
    const { maxConnections = -1, maxPerHour = -1, key } = entry.limits
    const now = this.#options.monotonic()
    const { used, sent, wanted, freeAt } = this.#ledger!.use(key)
    const count = used + sent
    const had = this.#mode === 'new' ? 0 : this.#partOf(entry).messages
    const reserve = maxPerHour < 0 ? 0 : Math.max(had - count, 0)
    entry.part = { connections: used, messages: count + reserve }
    const hours = maxPerHour < 0 ? '-' : this.#tellHours(entry, now)
    const freeMs = freeAt === undefined ? 0 : Math.max(Math.ceil(freeAt - now), 1)
    const values = [maxConnections, maxPerHour, used, sent, reserve, wanted, hours, freeMs]
    return { entry, used, count, values }
  }

  #tellHours(entry: Entry, now: number): string {
    const offset = this.#clockOffset
    if (offset === undefined || now - entry.hoursTold < HOURS_INTERVAL_MS) return '-'
    entry.hoursTold = now
    const hours = this.#ledger!.hours(entry.limits.key)
    return hours.map(([at, amount]) => `${Math.ceil(at + offset)}:${amount}`).join(' ')
  }

  #take(told: readonly Told[], reply: LimitsReply | 'taken', sentAt: number): void {
    if (reply === 'taken') {
      this.#identity = this.#options.renew()
      this.#joins = true
      return
    }
    this.#mode = 'shared'
    this.#joins = false
    this.#since = reply.isSettled ? SETTLED : reply.since
    if (reply.isSettled || reply.rank.hosts > this.#rank.hosts) this.#rank = reply.rank
    // Rather later than it was: what was sent counts too long, never too short.
    this.#clockOffset = reply.now - sentAt
    for (const [index, { entry, used, count }] of told.entries()) {
      const { connections, messages, othersWaiting, waitMs } = reply.grants[index]!
      entry.part = { connections: used + connections, messages: count + messages }
      entry.othersWaiting = othersWaiting
      entry.waitMs = waitMs
    }
  }

  #lose(): void {
    if (this.#mode !== 'shared') return
    this.#mode = 'alone'
    this.#goneAt = this.#options.monotonic()
    this.#since = 0
    for (const entry of this.#entries.values()) entry.hoursTold = -Infinity
  }

  /** After each call, and while there is nobody to call. */
  #goOn(): void {
    let beat = IDLE_BEAT_MS
    for (const [key, entry] of this.#entries) {
      this.#ledger?.offer(key)
      const use = this.#ledger?.use(key)
      if (use === undefined) continue
      // Who waits for the hour to go by is in no hurry.
      const isHourUsed = use.used + use.sent >= entry.part.messages && entry.limits.maxPerHour !== undefined
      if (use.wanted > 0 && !isHourUsed) beat = Math.min(beat, WAITING_BEAT_MS)
      else if (use.used + use.wanted > 0) beat = Math.min(beat, BUSY_BEAT_MS)
    }
    this.#schedule(beat)
  }

  #schedule(ms: number): void {
    const at = this.#options.monotonic() + ms
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      void this.#ask()
    }, ms).unref()
  }
}
