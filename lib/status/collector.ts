import { MINUTE_MS } from '../model/duration'
import { JsonText } from '../model/json-parts'
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

/** What is known, with decisions that are JSON already. */
export interface WrittenFacts extends Omit<Facts, 'decisions'> {
  readonly decisions: readonly JsonText[]
}

/** Adds up what the workers of a server report. Counts outlive the worker that has counted. */
export class Collector {
  readonly #options: CollectorOptions
  readonly #started: number
  readonly #sums = new Sums()
  readonly #workers = new Map<number, WorkerFacts>()
  /** By key, oldest first. As JSON, because all of them are written each time one is new, and a text is half the size. */
  readonly #decisions = new Map<string, { readonly at: number; readonly json: JsonText }>()
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
    const { decisions, ...rest } = this.writtenFacts
    return { ...rest, decisions: decisions.map(({ text }) => JSON.parse(text) as DecisionEntry) }
  }

  /** As {@link facts}, for a file. */
  get writtenFacts(): WrittenFacts {
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
      decisions: [...this.#decisions.values()].sort((a, b) => b.at - a.at).map(({ json }) => json),
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
    const { key, at } = decision
    const text = JSON.stringify(decision)
    this.#characters += text.length - (this.#decisions.get(key)?.json.text.length ?? 0)
    this.#decisions.set(key, { at, json: new JsonText(text) })
    for (const [oldest, { json }] of this.#decisions) {
      if (this.#decisions.size <= MOST_DECISIONS && this.#characters <= MOST_CHARACTERS) break
      this.#decisions.delete(oldest)
      this.#characters -= json.text.length
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
