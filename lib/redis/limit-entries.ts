import type { Limits } from '../relays/limit-types'
import type { HostPart } from './host-share'
import { hashName } from './keys'

/** A limit, as the host that shares it knows it. Times are of the monotonic clock, in ms. */
export interface LimitEntry {
  limits: Limits
  /** What it is called in Redis. */
  readonly name: string
  /** What this host may use until it asks again. */
  part: HostPart
  /** How many other hosts wait for a connection. */
  othersWaiting: number
  waitMs: number
  /** When Redis heard of it last. */
  toldAt: number
  /** When what was sent was said in full. */
  hoursToldAt: number
}

/** What has changed is said at once; what is only in use so often, so that others who wait are heard of. Milliseconds. */
export const BUSY_BEAT_MS = 250
/** What was sent is said in full so often, for the time after this host. Milliseconds. */
export const HOURS_INTERVAL_MS = 5_000
/** Rows that do not change are renewed before they expire. Milliseconds. */
const REFRESH_MS = 600_000
/** So many are looked at in each call. */
const REFRESH_LOOKS = 20
/** Limits in a call: about two milliseconds of Redis. */
const MOST_NAMED = 200
const MOST_LIMITS = 20_000

/** Which limits there are, and which of them a call must name. */
export class LimitEntries {
  readonly #all = new Map<string, LimitEntry>()
  readonly #byName = new Map<string, LimitEntry>()
  #refresh: Iterator<LimitEntry> = this.#all.values()
  /** Redis may not know what this host has of them. */
  readonly untold = new Set<LimitEntry>()
  readonly changed = new Set<LimitEntry>()
  /** Somebody waits for them. */
  readonly waiting = new Set<LimitEntry>()
  readonly busy = new Set<LimitEntry>()
  /** Something was sent that was not said in full. */
  readonly unlisted = new Set<LimitEntry>()

  all(): Iterable<LimitEntry> {
    return this.#all.values()
  }

  get(key: string): LimitEntry | undefined {
    return this.#all.get(key)
  }

  named(name: string): LimitEntry | undefined {
    return this.#byName.get(name)
  }

  /** The entry of a limit. A new one is to be said if Redis keeps messages for it. */
  know(limits: Limits): LimitEntry {
    const known = this.#all.get(limits.key)
    if (known !== undefined) {
      const { maxConnections, maxPerHour } = known.limits
      if (maxConnections !== limits.maxConnections || maxPerHour !== limits.maxPerHour)
        this.changed.add(known)
      known.limits = limits
      return known
    }
    const entry: LimitEntry = {
      limits,
      name: hashName(limits.key),
      part: { connections: 0, messages: 0 },
      othersWaiting: 0,
      waitMs: 0,
      toldAt: -Infinity,
      hoursToldAt: -Infinity,
    }
    this.#forget()
    this.#all.set(limits.key, entry)
    this.#byName.set(entry.name, entry)
    if (limits.maxPerHour !== undefined) this.untold.add(entry)
    return entry
  }

  /** Redis knows nothing of this host any more, or may not. */
  loseAll(): void {
    for (const entry of this.#all.values()) {
      entry.hoursToldAt = -Infinity
      if (entry.limits.maxPerHour !== undefined || entry.part.connections > 0 || this.busy.has(entry)) {
        this.untold.add(entry)
      }
    }
  }

  /** Redis lends connections again: those that were kept for want of others are given back. */
  noteSettled(): void {
    for (const entry of this.#all.values()) if (entry.part.connections > 0) this.changed.add(entry)
  }

  /** What the next call has to name, the most urgent first. @param now ms of the monotonic clock */
  choose(now: number): ReadonlySet<LimitEntry> {
    const chosen = new Set<LimitEntry>()
    const add = (entries: Iterable<LimitEntry>, isDue: (entry: LimitEntry) => boolean, most = MOST_NAMED) => {
      for (const entry of entries) {
        if (chosen.size >= most) return
        if (isDue(entry)) chosen.add(entry)
      }
    }
    add(this.waiting, () => true, MOST_NAMED / 2)
    add(this.untold, () => true)
    add(this.changed, () => true)
    add(this.busy, ({ toldAt }) => now - toldAt >= BUSY_BEAT_MS)
    add(this.unlisted, ({ hoursToldAt }) => now - hoursToldAt >= HOURS_INTERVAL_MS)
    for (let looks = 0; looks < REFRESH_LOOKS; looks++) {
      const { value, done } = this.#refresh.next()
      if (done === true) {
        this.#refresh = this.#all.values()
        break
      }
      add([value], ({ limits, toldAt }) => limits.maxPerHour !== undefined && now - toldAt >= REFRESH_MS)
    }
    return chosen
  }

  /** Sections that are no longer in the file. */
  #forget(): void {
    for (const [key, entry] of this.#all) {
      if (this.#all.size < MOST_LIMITS) return
      if (this.waiting.has(entry) || this.busy.has(entry)) continue
      this.#all.delete(key)
      this.#byName.delete(entry.name)
      for (const set of [this.untold, this.changed, this.unlisted]) set.delete(entry)
    }
  }
}
