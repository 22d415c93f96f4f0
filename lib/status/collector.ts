import { Sums } from './counts'
import { COUNTS, labelsOf } from './counts'
import {
  type AttemptEntry,
  type Facts,
  type HitsByLine,
  type MinuteCounts,
  MOST_ATTEMPTS,
  MOST_MINUTES,
  type WorkerFacts,
  type WorkerReport,
} from './facts'

const MINUTE = 60_000

export interface CollectorOptions {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Adds up what the workers of a server report. Counts outlive the worker that has counted. */
export class Collector {
  readonly #options: CollectorOptions
  readonly #started: number
  readonly #sums = new Sums()
  readonly #workers = new Map<number, WorkerFacts>()
  /** By key, oldest first. */
  readonly #attempts = new Map<string, AttemptEntry>()
  #minutes: { at: number; decisions: Record<string, number> }[] = []

  constructor(options: CollectorOptions) {
    this.#options = options
    this.#started = options.now()
  }

  add(report: WorkerReport): void {
    this.#sums.add(report)
    this.#workers.set(report.worker.pid, report.worker)
    for (const attempt of report.attempts) this.#attempts.set(attempt.key, attempt)
    for (const key of this.#attempts.keys()) {
      if (this.#attempts.size <= MOST_ATTEMPTS) break
      this.#attempts.delete(key)
    }
    this.#addMinute(report)
  }

  /** A worker has ended. */
  forget(pid: number): void {
    this.#workers.delete(pid)
  }

  get facts(): Facts {
    const { pid, now } = this.#options
    return {
      pid,
      started: this.#started,
      updated: now(),
      counts: this.#sums.counts,
      minutes: this.#lastHour(),
      attempts: [...this.#attempts.values()].sort((a, b) => b.at - a.at),
      workers: [...this.#workers.values()].sort((a, b) => a.pid - b.pid),
    }
  }

  get hits(): HitsByLine {
    return this.#sums.hits
  }

  #addMinute({ counts }: WorkerReport): void {
    const at = Math.floor(this.#options.now() / MINUTE) * MINUTE
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
    const oldest = this.#options.now() - MOST_MINUTES * MINUTE
    return this.#minutes.filter(({ at }) => at > oldest)
  }
}
