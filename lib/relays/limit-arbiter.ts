import { HourCount } from './hour-count'
import type { LimitLender, LimitUse } from './limit-lender'
import type { LimitAnswer, LimitRefusal, Limits, LimitStatus } from './limit-types'

/** Time until it is worth asking again when all of an hour's messages are under way: some may not be sent. */
const SHORTEST_WAIT_MS = 1_000

/** A message that was sent, or may have been: what is remembered of it over a restart. */
export interface SentCount {
  readonly key: string
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly amount: number
}

/** Where the arbiter writes what must survive it: only keys with `maxPerHour`. */
export interface LimitJournal {
  /** What was sent before this process, the oldest first. Places that were open then count as sent. */
  readonly recovered: readonly SentCount[]
  noteOpen(place: number, key: string): void
  noteClose(place: number, sent: boolean, at: number): void
  /** @param take gives all that a new journal must say */
  onRewrite(take: () => JournalState): void
  close(): void
}

export interface JournalState {
  readonly sent: readonly SentCount[]
  readonly open: readonly { readonly place: number; readonly key: string }[]
}

export interface LimitArbiterOptions<Holder> {
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
  /** Hands a place to a holder that waits for it. */
  readonly offer: (holder: Holder, key: string, place: number) => void
  readonly journal?: LimitJournal
  /** Shares the limits with other servers; absent if they are all for this one. */
  readonly lender?: LimitLender
}

interface TakenPlace<Holder> {
  readonly holder: Holder
  readonly entry: LimitRecord<Holder>
  readonly journalled: boolean
}

interface LimitRecord<Holder> {
  /** As in the last request. */
  limits: Limits
  used: number
  readonly sent: HourCount
  readonly waiting: Set<Holder>
  /** How many requests wait for the lender. */
  asking: number
  /** Until an hour is over for those that wait. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Counts the places. Holders are the processes that take them. A place that is taken counts against `maxConnections` and, because its
 * message may be sent at any moment, against `maxPerHour`.
 */
export class LimitArbiter<Holder> {
  readonly #options: LimitArbiterOptions<Holder>
  readonly #entries = new Map<string, LimitRecord<Holder>>()
  readonly #places = new Map<number, TakenPlace<Holder>>()
  #lastPlace = 0
  /** The number of entries from which empty ones are forgotten. */
  #mostEntries = 0

  constructor(options: LimitArbiterOptions<Holder>) {
    this.#options = options
    const { journal, lender } = options
    for (const { key, at, amount } of journal?.recovered ?? []) this.#entry({ key }).sent.add(at, amount)
    journal?.onRewrite(() => this.#journalState())
    lender?.begin({
      use: (key) => this.#useOf(key),
      hours: (key) => this.#entries.get(key)?.sent.entries(options.monotonic()) ?? [],
      offer: (key) => {
        const entry = this.#entries.get(key)
        if (entry !== undefined) this.#offer(entry)
      },
    })
  }

  know(limits: readonly Limits[]): void {
    for (const each of limits) this.#options.lender?.know(each)
  }

  /** Why no place is free now, as far as this server knows without asking another. Changes nothing. */
  look({ key, maxConnections, maxPerHour }: Limits): LimitRefusal | undefined {
    const entry = this.#entries.get(key)
    const used = entry?.used ?? 0
    const now = this.#options.monotonic()
    if (maxPerHour !== undefined && used + (entry?.sent.total(now) ?? 0) >= maxPerHour) {
      const waitMs = (entry?.sent.freeAt(now) ?? now) - now
      return { granted: false, why: 'quota', waitMs: Math.max(waitMs, SHORTEST_WAIT_MS) }
    }
    if (maxConnections !== undefined && used >= maxConnections) return { granted: false, why: 'connections' }
    return undefined
  }

  /** Takes a place for the holder, or says why it is refused, as far as this server knows without asking another. */
  ask(holder: Holder, limits: Limits): LimitAnswer {
    const entry = this.#entry(limits)
    entry.limits = limits
    return this.#tryTake(holder, entry)
  }

  /** As {@link ask}, but asks the other servers that share the limits if only they know. */
  request(holder: Holder, limits: Limits): LimitAnswer | Promise<LimitAnswer> {
    const answer = this.ask(holder, limits)
    const { lender } = this.#options
    if (answer.granted || lender === undefined || this.look(limits) !== undefined) return answer
    const entry = this.#entry(limits)
    entry.asking++
    return lender.borrow(limits).then(() => {
      entry.asking--
      return this.#tryTake(holder, entry)
    })
  }

  /** Ignores a place that the holder does not have, or no longer has. */
  giveBack(holder: Holder, place: number, sent: boolean): void {
    if (this.#places.get(place)?.holder !== holder) return
    this.#free(place, sent)
  }

  /** Offers a place as soon as one is free, perhaps at once. */
  wait(holder: Holder, limits: Limits): void {
    const entry = this.#entry(limits)
    entry.limits = limits
    entry.waiting.add(holder)
    this.#offer(entry)
  }

  /** No more places are offered to the holder. */
  stopWaiting(holder: Holder): void {
    for (const { waiting } of this.#entries.values()) waiting.delete(holder)
  }

  /** The holder is gone. It is not known what happened to its messages, so they count as sent. */
  leave(holder: Holder): void {
    this.stopWaiting(holder)
    for (const [place, { holder: owner }] of this.#places) if (owner === holder) this.#free(place, true)
  }

  status(): readonly LimitStatus[] {
    const now = this.#options.monotonic()
    return [...this.#entries].map(([key, { used, sent }]) => ({
      key,
      connections: used,
      sentLastHour: sent.total(now),
    }))
  }

  close(): void {
    for (const { timer } of this.#entries.values()) clearTimeout(timer)
    this.#options.journal?.close()
  }

  #entry(limits: Limits): LimitRecord<Holder> {
    const known = this.#entries.get(limits.key)
    if (known !== undefined) return known
    this.#forget()
    const entry: LimitRecord<Holder> = {
      limits,
      used: 0,
      sent: new HourCount(),
      waiting: new Set(),
      asking: 0,
      timer: undefined,
    }
    this.#entries.set(limits.key, entry)
    return entry
  }

  /** Keys of sections that are no longer in the file. Each time there are twice as many: to go through all for each new key is quadratic. */
  #forget(): void {
    if (this.#entries.size < this.#mostEntries) return
    const now = this.#options.monotonic()
    for (const [key, { used, sent, waiting, asking }] of this.#entries) {
      if (used + waiting.size + asking === 0 && sent.total(now) === 0) this.#entries.delete(key)
    }
    this.#mostEntries = this.#entries.size * 2
  }

  #useOf(key: string): LimitUse {
    const entry = this.#entries.get(key)
    if (entry === undefined) return { used: 0, sent: 0, wanted: 0, freeAt: undefined }
    const { used, sent, waiting, asking } = entry
    const now = this.#options.monotonic()
    return { used, sent: sent.total(now), wanted: asking + waiting.size, freeAt: sent.freeAt(now) }
  }

  #tryTake(holder: Holder, entry: LimitRecord<Holder>): LimitAnswer {
    const refusal = this.look(entry.limits) ?? this.#overPortion(entry)
    return refusal ?? { granted: true, place: this.#take(holder, entry) }
  }

  /** Why this server's part of the limit allows nothing more. */
  #overPortion({ limits, used, sent }: LimitRecord<Holder>): LimitRefusal | undefined {
    const portion = this.#options.lender?.portion(limits)
    if (portion === undefined) return undefined
    const count = used + sent.total(this.#options.monotonic())
    if (limits.maxPerHour !== undefined && count >= portion.maxPerHour) {
      return { granted: false, why: 'quota', waitMs: Math.max(portion.waitMs, SHORTEST_WAIT_MS) }
    }
    if (limits.maxConnections !== undefined && used >= portion.maxConnections) {
      return { granted: false, why: 'connections' }
    }
    return undefined
  }

  #take(holder: Holder, entry: LimitRecord<Holder>): number {
    const place = ++this.#lastPlace
    const journalled = entry.limits.maxPerHour !== undefined
    this.#places.set(place, { holder, entry, journalled })
    entry.used++
    // It is written to the journal first: if all processes are killed now, the message counts as sent.
    if (journalled) this.#options.journal?.noteOpen(place, entry.limits.key)
    this.#options.lender?.noteTake(entry.limits.key)
    return place
  }

  #free(number: number, sent: boolean): void {
    const place = this.#places.get(number)!
    const now = this.#options.monotonic()
    this.#places.delete(number)
    place.entry.used--
    if (sent) place.entry.sent.add(now)
    if (place.journalled) this.#options.journal?.noteClose(number, sent, now)
    this.#options.lender?.noteFree(place.entry.limits.key)
    this.#offer(place.entry)
  }

  /** Offers places to those who wait, in the order of their requests. */
  #offer(entry: LimitRecord<Holder>): void {
    for (const holder of entry.waiting) {
      const answer = this.#tryTake(holder, entry)
      if (!answer.granted) {
        if (this.look(entry.limits) === undefined) this.#options.lender?.noteWait(entry.limits)
        else if (answer.why === 'quota') this.#offerAfter(entry, answer.waitMs)
        return
      }
      entry.waiting.delete(holder)
      this.#options.offer(holder, entry.limits.key, answer.place)
    }
  }

  #offerAfter(entry: LimitRecord<Holder>, ms: number): void {
    entry.timer ??= setTimeout(() => {
      entry.timer = undefined
      this.#offer(entry)
    }, ms).unref()
  }

  #journalState(): JournalState {
    const now = this.#options.monotonic()
    const open = [...this.#places].filter(([, { journalled }]) => journalled)
    return {
      sent: [...this.#entries].flatMap(([key, { sent }]) =>
        sent.entries(now).map(([at, amount]) => ({ key, at, amount })),
      ),
      open: open.map(([place, { entry }]) => ({ place, key: entry.limits.key })),
    }
  }
}
