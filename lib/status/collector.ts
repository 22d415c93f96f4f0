import { MINUTE_MS } from '../model/duration'
import { COUNTS, labelsOf, Sums } from './counts'
import {
  type DecisionEntry,
  type Facts,
  type HitsByLine,
  type MinuteCounts,
  MOST_DECISIONS,
  MOST_CHARACTERS,
  MOST_MINUTES,
  type SharingFacts,
  type WorkerFacts,
  type WorkerReport,
} from './facts'

export interface CollectorOptions {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Does Redis answer? undefined, or absent: it is not used. */
  readonly isRedisUp?: () => boolean | undefined
  /** Which servers share; undefined, or absent: that is not known. */
  readonly sharing?: () => SharingFacts | undefined
}

/** Adds up what the workers of a server report. Counts outlive the worker that has counted. */
export class Collector {
  readonly #options: CollectorOptions
  readonly #started: number
  readonly #sums = new Sums()
  readonly #workers = new Map<number, WorkerFacts>()
  /** By key, oldest first. */
  readonly #decisions = new Map<string, { readonly decision: DecisionEntry; readonly characters: number }>()
  /** Of all of them, as JSON. */
  #characters = 0
  #minutes: { at: number; decisions: Record<string, number> }[] = []

  constructor(options: CollectorOptions) {
    this.#options = options
    this.#started = options.now()
  }

  add(report: WorkerReport): void {
    this.#sums.add(report)
    this.#workers.set(report.worker.pid, report.worker)
    for (const decision of report.decisions) this.#keep(decision)
    this.#addMinute(report)
  }

  /** A worker has ended. */
  forget(pid: number): void {
    this.#workers.delete(pid)
  }

  get facts(): Facts {
    const { pid, now, isRedisUp } = this.#options
    const redisUp = isRedisUp?.()
    const sharing = this.#options.sharing?.()
    return {
      pid,
      ...(redisUp === undefined ? {} : { redisUp }),
      ...(sharing === undefined ? {} : { sharing }),
      started: this.#started,
      updated: now(),
      counts: this.#sums.counts,
      minutes: this.#lastHour(),
      decisions: [...this.#decisions.values()].map(({ decision }) => decision).sort((a, b) => b.at - a.at),
      workers: [...this.#workers.values()].sort((a, b) => a.pid - b.pid),
    }
  }

  /** Workers that report. */
  get workers(): number {
    return this.#workers.size
  }

  get hits(): HitsByLine {
    return this.#sums.hits
  }

  #keep(decision: DecisionEntry): void {
    const { key } = decision
    const characters = JSON.stringify(decision).length
    this.#characters += characters - (this.#decisions.get(key)?.characters ?? 0)
    this.#decisions.set(key, { decision, characters })
    for (const [oldest, { characters: freed }] of this.#decisions) {
      if (this.#decisions.size <= MOST_DECISIONS && this.#characters <= MOST_CHARACTERS) break
      this.#decisions.delete(oldest)
      this.#characters -= freed
    }
  }

  #addMinute({ counts }: WorkerReport): void {
    const at = Math.floor(this.#options.now() / MINUTE_MS) * MINUTE_MS
    for (const [key, amount] of Object.entries(counts)) {
      const labels = labelsOf(key, COUNTS.decisions)
      if (labels === undefined) continue
      let minute = this.#minutes.at(-1)
      if (minute?.at !== at) this.#minutes.push((minute = { at, decisions: {} }))
      const label = labels.join(' ')
      minute.decisions[label] = (minute.decisions[label] ?? 0) + amount
    }
    if (this.#minutes.length > MOST_MINUTES) this.#minutes = this.#minutes.slice(-MOST_MINUTES)
  }

  #lastHour(): readonly MinuteCounts[] {
    const oldest = this.#options.now() - MOST_MINUTES * MINUTE_MS
    return this.#minutes.filter(({ at }) => at > oldest)
  }
}
