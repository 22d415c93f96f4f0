import type { LimitLedger } from '../relays/limit-lender'
import type { Limits } from '../relays/limit-types'
import { hashName } from './keys'
import {
  type DeclaredLimit,
  declareLimit,
  type DeclareOptions,
  HOURS_INTERVAL_MS,
  type LimitEntry,
} from './limit-entry'
import type { LimitGrant } from './limits-reply'

/** Time between two calls about a limit that is in use and has not changed: others may wait for it. Milliseconds. */
export const BUSY_BEAT_MS = 250
/** Time until a row that does not change is renewed, before it expires. Milliseconds. */
const REFRESH_MS = 600_000
/** Rows that each call checks for that. */
const REFRESH_LOOKS = 20
/** The most limits of a call, which takes Redis about two milliseconds. */
const MOST_NAMED = 200
const MOST_LIMITS = 20_000

/** Which limits there are, which of them a call must declare, and what its reply means for them. */
export class LimitEntries {
  readonly #all = new Map<string, LimitEntry>()
  readonly #byName = new Map<string, LimitEntry>()
  #refresh: Iterator<LimitEntry> = this.#all.values()
  /** Redis may not know what this host has of them. */
  readonly undeclared = new Set<LimitEntry>()
  readonly changed = new Set<LimitEntry>()
  /** Somebody waits for them. */
  readonly waiting = new Set<LimitEntry>()
  readonly busy = new Set<LimitEntry>()
  /** Messages were sent that are not listed in Redis. */
  readonly unlisted = new Set<LimitEntry>()

  all(): Iterable<LimitEntry> {
    return this.#all.values()
  }

  get(key: string): LimitEntry | undefined {
    return this.#all.get(key)
  }

  findByName(name: string): LimitEntry | undefined {
    return this.#byName.get(name)
  }

  /** The entry of a limit. A new one must be declared if it counts messages: Redis may still have some for it. */
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
      declaredAt: -Infinity,
      hoursDeclaredAt: -Infinity,
    }
    this.#forget()
    this.#all.set(limits.key, entry)
    this.#byName.set(entry.name, entry)
    if (limits.maxPerHour !== undefined) this.undeclared.add(entry)
    return entry
  }

  /** Redis may have forgotten this host. */
  loseAll(): void {
    for (const entry of this.#all.values()) {
      entry.hoursDeclaredAt = -Infinity
      if (entry.limits.maxPerHour !== undefined || entry.part.connections > 0 || this.busy.has(entry)) {
        this.undeclared.add(entry)
      }
    }
  }

  /** Redis lends connections again: those that were kept only because it did not are given back. */
  noteSettled(): void {
    for (const entry of this.#all.values()) if (entry.part.connections > 0) this.changed.add(entry)
  }

  /** What the next call says of the limits that it must declare. */
  declare(ledger: LimitLedger, options: DeclareOptions): readonly DeclaredLimit[] {
    return [...this.#choose(options.now)].map((entry) => {
      const declared = declareLimit(entry, ledger, options)
      this.changed.delete(entry)
      this.waiting.delete(entry)
      // At the end, so that each has its turn.
      if (declared.wanted > 0) this.waiting.add(entry)
      if (declared.used === 0) this.busy.delete(entry)
      if (declared.listsHours) this.unlisted.delete(entry)
      return declared
    })
  }

  /** The call failed: Redis may not have read it. */
  takeBack(declared: readonly DeclaredLimit[]): void {
    for (const { entry, listsHours } of declared) {
      this.changed.add(entry)
      if (!listsHours) continue
      entry.hoursDeclaredAt = -Infinity
      this.unlisted.add(entry)
    }
  }

  /** The call succeeded. @param now ms of the monotonic clock */
  adopt({ entry, keep, count, reserve }: DeclaredLimit, grant: LimitGrant, now: number): void {
    const { maxConnections = Infinity, maxPerHour = Infinity } = entry.limits
    entry.part = {
      connections: keep + Math.min(grant.connections, maxConnections),
      messages: count + Math.min(grant.messages, maxPerHour),
    }
    entry.othersWaiting = grant.othersWaiting
    entry.waitMs = grant.waitMs
    entry.declaredAt = now
    this.undeclared.delete(entry)
    // Connections that are not used, and messages that are no longer kept in reserve, are free once Redis knows of it.
    if (grant.connections > 0 || grant.messages < reserve) this.changed.add(entry)
  }

  /** What the next call must declare, the most urgent first. @param now ms of the monotonic clock */
  #choose(now: number): ReadonlySet<LimitEntry> {
    const chosen = new Set<LimitEntry>()
    const add = (entries: Iterable<LimitEntry>, isDue: (entry: LimitEntry) => boolean, most = MOST_NAMED) => {
      for (const entry of entries) {
        if (chosen.size >= most) return
        if (isDue(entry)) chosen.add(entry)
      }
    }
    add(this.waiting, () => true, MOST_NAMED / 2)
    add(this.undeclared, () => true)
    add(this.changed, () => true)
    add(this.busy, ({ declaredAt }) => now - declaredAt >= BUSY_BEAT_MS)
    add(this.unlisted, ({ hoursDeclaredAt }) => now - hoursDeclaredAt >= HOURS_INTERVAL_MS)
    for (let looks = 0; looks < REFRESH_LOOKS; looks++) {
      const { value, done } = this.#refresh.next()
      if (done === true) {
        this.#refresh = this.#all.values()
        break
      }
      add(
        [value],
        ({ limits, declaredAt }) => limits.maxPerHour !== undefined && now - declaredAt >= REFRESH_MS,
      )
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
      for (const set of [this.undeclared, this.changed, this.unlisted]) set.delete(entry)
    }
  }
}
