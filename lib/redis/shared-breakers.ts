import type { Trouble } from '../relays/breaker'
import type { BreakerBook, BreakerSharing, HeldTrial } from '../relays/breaker-sharing'
import {
  sharedReason,
  readTrial,
  readTroubles,
  type SharedServer,
  type TroublesReply,
} from './breakers-reply'
import { MOST_TROUBLES, TRIAL, TROUBLES } from './breakers-script'
import type { RedisConnection } from './connection'
import { hashName, PREFIX } from './keys'

export interface SharedBreakersOptions {
  readonly connection: RedisConnection
  /** The name of this process, which no other has. It has no blanks. */
  readonly process: string
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
}

/** Time until the trouble of one process is known to the others, milliseconds. */
const INTERVAL_MS = 400
/** Pauses that differ by less count as equal: clocks differ, and the way to Redis takes time. Milliseconds. */
const SAME_MS = 1_000
/** How often a process says that it still tries a server, long before another may. Milliseconds. */
const RENEW_MS = 5_000
/** If Redis is late, time for which no message tries the server, milliseconds. */
const LATE_MS = 1_000
/** Time for which a trial that came too late for its message is kept for the next one, milliseconds. */
const KEEP_TRIAL_MS = 5_000
/** The most servers that one call speaks of. */
const MOST_SENT = 100
/** Servers whose names are remembered. */
const MOST_NAMES = 10_000
const KEYS = [`${PREFIX}breakers`, `${PREFIX}breakers:changes`]

/** One trial of a server: this process asks for it, makes it, or may make it although no message does. */
interface Trial {
  state: 'asked' | 'taken' | 'kept'
  /** When Redis last confirmed it, ms of the monotonic clock; -Infinity if it never did. */
  sentAt: number
}

interface Stranger {
  readonly trouble: Trouble
  /** When it was so, ms of the monotonic clock. */
  readonly at: number
}

/**
 * Breakers over the processes and servers that use the same Redis. What one of them finds out is sent at once, and the others
 * see it with their next look; no message waits for that. Only the trial of a server is asked for. If Redis is late, nobody tries before
 * Redis has said who may. While Redis is gone each process goes by what it knows, and sends it afterwards.
 */
export class SharedBreakers implements BreakerSharing {
  readonly #options: SharedBreakersOptions
  readonly #timer: NodeJS.Timeout
  #book: BreakerBook | undefined
  /** Servers that this process has met, by their field. */
  readonly #keys = new Map<string, string>()
  /** Trouble with servers that it has not met, by their field. */
  readonly #strangers = new Map<string, Stranger>()
  /** What Redis does not know yet; true if it could not be sent in time. */
  readonly #unsent = new Map<string, boolean>()
  /** By server. Those that Redis confirmed last come last. */
  readonly #trials = new Map<string, Trial>()
  #epoch = ''
  #version = 0
  #isBusy = false

  constructor(options: SharedBreakersOptions) {
    this.#options = options
    options.connection.onReady(() => void this.#share())
    this.#timer = setInterval(() => void this.#share(), INTERVAL_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  begin(book: BreakerBook): void {
    this.#book = book
  }

  hasTrouble(key: string): boolean {
    return this.#strangers.size > 0 && this.#strangers.has(hashName(key))
  }

  meet(key: string): Trouble | undefined {
    const field = this.#name(key)
    const stranger = this.#strangers.get(field)
    this.#strangers.delete(field)
    if (stranger === undefined) return undefined
    const { trouble, at } = stranger
    const age = this.#options.monotonic() - at
    const openMs = Math.max(0, trouble.openMs - age)
    return { ...trouble, openMs, trialMs: Math.max(0, trouble.trialMs - age) }
  }

  send(key: string): void {
    this.#trials.delete(key)
    this.#note(key)
  }

  askTrial(key: string): Promise<HeldTrial | undefined> | undefined {
    const { isReady, isLate } = this.#options.connection
    const known = this.#trials.get(key)
    if (known?.state === 'kept') {
      known.state = 'taken'
      return Promise.resolve(this.#hold(key, known))
    }
    if (isReady) return this.#askTrial(key)
    return isLate ? Promise.resolve(this.#refuseTrial(key)) : undefined
  }

  async #askTrial(key: string): Promise<HeldTrial | undefined> {
    const { connection, monotonic, process } = this.#options
    const { failures = 1, pauseMs = 0, lastFailure = '' } = this.#book?.trouble(key) ?? {}
    const field = this.#name(key)
    const values = [process, field, String(failures), String(pauseMs), sharedReason(lastFailure)]
    const trial: Trial = { state: 'asked', sentAt: monotonic() }
    this.#trials.set(key, trial)
    const noteLate = (reply: unknown) => this.#noteLateTrial(key, field, reply)
    try {
      const { isGiven, server } = readTrial(await connection.run(TRIAL, KEYS, values, noteLate))
      const isUnchanged = this.#trials.get(key) === trial
      if (isGiven && server.trouble !== undefined) this.#take(key, trial)
      else this.#forget(key, trial)
      // What has happened here meanwhile is newer than the reply.
      if (server.field === field && isUnchanged) this.#book?.adopt(key, server.trouble)
      return isGiven ? this.#hold(key, trial) : undefined
    } catch {
      if (connection.isLate) {
        this.#forget(key, trial)
        return this.#refuseTrial(key)
      }
      // The connection has logged it. The process decides for itself, as without Redis, and sends the result afterwards.
      this.#take(key, trial, -Infinity)
      return this.#hold(key, trial)
    }
  }

  /** Redis is late: another may have been given the trial, or this process. */
  #refuseTrial(key: string): undefined {
    const trouble = this.#book?.trouble(key)
    if (trouble !== undefined) this.#book?.adopt(key, { ...trouble, trialMs: LATE_MS })
  }

  /** Redis has said who may try a server, when the message that asked had gone elsewhere. */
  #noteLateTrial(key: string, field: string, reply: unknown): void {
    const { isGiven, server } = readTrial(reply)
    // What has happened here meanwhile is newer.
    if (this.#trials.has(key) || this.#unsent.has(key)) return
    if (isGiven && server.trouble !== undefined) {
      this.#trials.set(key, { state: 'kept', sentAt: this.#options.monotonic() })
    }
    if (server.field === field) this.#book?.adopt(key, server.trouble)
  }

  /** This process makes a trial. One that was asked for later counts more. */
  #take(key: string, trial: Trial, sentAt = this.#options.monotonic()): void {
    if ((this.#trials.get(key) ?? trial) !== trial) return
    trial.state = 'taken'
    trial.sentAt = sentAt
    this.#trials.delete(key)
    this.#trials.set(key, trial)
  }

  #hold(key: string, trial: Trial): HeldTrial {
    return {
      free: () => {
        if (this.#forget(key, trial)) this.#note(key)
      },
    }
  }

  /** @returns was it still the trial of that server? A message may end long after another has begun the next trial */
  #forget(key: string, trial: Trial): boolean {
    return this.#trials.get(key) === trial && this.#trials.delete(key)
  }

  #note(key: string): void {
    this.#unsent.delete(key)
    this.#unsent.set(key, false)
    for (const [oldest] of this.#unsent) {
      if (this.#unsent.size <= MOST_TROUBLES) break
      this.#unsent.delete(oldest)
    }
    // After this turn of the event loop, with all that happens in it.
    setImmediate(() => void this.#share())
  }

  async #share(): Promise<void> {
    const { connection, process } = this.#options
    if (this.#isBusy || this.#book === undefined) return
    this.#freeUnused()
    if (!connection.isReady) {
      this.#noteLate([...this.#unsent.keys()])
      return
    }
    this.#isBusy = true
    const sent = [...this.#unsent].slice(0, MOST_SENT)
    const tried = this.#trialsToRenew()
    const said = [...sent, ...tried.map(([key]) => [key, true] as const)]
    for (const [key] of sent) this.#unsent.delete(key)
    try {
      const values = said.flatMap(([key, isLate]) => this.#describe(key, isLate))
      const head = [process, this.#epoch, String(this.#version)]
      this.#learn(readTroubles(await connection.run(TROUBLES, KEYS, [...head, ...values])))
      for (const [key, trial] of tried) if (this.#trials.get(key) === trial) this.#take(key, trial)
    } catch {
      // The connection has logged it.
      this.#noteLate(sent.map(([key]) => key))
    } finally {
      this.#isBusy = false
    }
    if (this.#unsent.size > 0 && connection.isReady) setImmediate(() => void this.#share())
  }

  /** No message has come for a trial that was given late: another process may have one. */
  #freeUnused(): void {
    const before = this.#options.monotonic() - KEEP_TRIAL_MS
    for (const [key, trial] of this.#trials) {
      if (trial.state === 'kept' && trial.sentAt <= before) this.#hold(key, trial).free()
    }
  }

  /** A process that tries a server says so again and again. */
  #trialsToRenew(): readonly (readonly [key: string, trial: Trial])[] {
    const before = this.#options.monotonic() - RENEW_MS
    return [...this.#trials]
      .filter(([key, { state, sentAt }]) => state === 'taken' && sentAt <= before && !this.#unsent.has(key))
      .slice(0, MOST_SENT)
  }

  #noteLate(keys: readonly string[]): void {
    for (const key of keys) this.#unsent.set(key, true)
  }

  #describe(key: string, isLate: boolean): readonly string[] {
    const { failures = 0, pauseMs = 0, openMs = 0, lastFailure = '' } = this.#book?.trouble(key) ?? {}
    const trial = this.#trials.get(key)?.state
    const tries = trial === undefined ? '0' : trial === 'taken' ? '1' : '-'
    const numbers = [failures, pauseMs, openMs].map((amount) => String(Math.ceil(amount)))
    return [this.#name(key), ...numbers, tries, isLate ? '1' : '0', sharedReason(lastFailure)]
  }

  #learn({ epoch, version, isAll, servers }: TroublesReply): void {
    const hasForgotten = epoch !== this.#epoch || version < this.#version
    this.#epoch = epoch
    this.#version = version
    if (isAll) this.#strangers.clear()
    // Not each time that Redis sends everything: if there are more servers than it keeps, each would be sent again and again.
    if (hasForgotten) this.#merge(servers)
    for (const server of servers) this.#adopt(server)
  }

  /** Redis has started anew or lost its last changes, or this process has started: what only this process knows is sent. */
  #merge(servers: readonly SharedServer[]): void {
    const shared = new Map(servers.map(({ field, trouble }) => [field, trouble]))
    for (const key of this.#book?.troubled() ?? []) {
      const other = shared.get(this.#name(key))
      const openMs = this.#book?.trouble(key)?.openMs ?? 0
      if (other === undefined || openMs > other.openMs + SAME_MS) this.#note(key)
    }
  }

  #adopt({ field, trouble }: SharedServer): void {
    const key = this.#keys.get(field)
    // What has changed here meanwhile is sent first.
    if (key !== undefined && !this.#unsent.has(key)) this.#book?.adopt(key, this.#withoutTrial(key, trouble))
    if (key !== undefined) return
    this.#strangers.delete(field)
    if (trouble !== undefined) this.#strangers.set(field, { trouble, at: this.#options.monotonic() })
    for (const [oldest] of this.#strangers) {
      if (this.#strangers.size <= MOST_TROUBLES) return
      this.#strangers.delete(oldest)
    }
  }

  /** While this process asks for the trial, the reply to that says who has it. */
  #withoutTrial(key: string, trouble: Trouble | undefined): Trouble | undefined {
    const isAsked = this.#trials.get(key)?.state === 'asked'
    return isAsked && trouble !== undefined ? { ...trouble, trialMs: 0 } : trouble
  }

  /** The field of a server, of which the book hears from now on. */
  #name(key: string): string {
    const field = hashName(key)
    this.#keys.delete(field)
    this.#keys.set(field, key)
    for (const [oldest] of this.#keys) {
      if (this.#keys.size <= MOST_NAMES) break
      this.#keys.delete(oldest)
    }
    return field
  }
}
