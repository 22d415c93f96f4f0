import type { WorkerReport } from './facts'
import type { Recorder, WorkerView } from './recorder'

/** How often a worker looks whether there is something to report. */
const INTERVAL_MS = 1_000

export interface ReporterOptions {
  readonly recorder: Recorder
  /** How things stand. */
  readonly view: () => WorkerView
  readonly send: (report: WorkerReport) => void
}

/** Reports what a worker counts, in every second in which something happens. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #timer: NodeJS.Timeout
  #before = ''

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.report(), INTERVAL_MS).unref()
  }

  /** At once; nothing if nothing has changed. */
  report(): void {
    const { recorder, view, send } = this.#options
    const report = recorder.take(view())
    const worker = JSON.stringify(report.worker)
    const hasCounted = Object.keys(report.counts).length > 0 || report.decisions.length > 0
    if (!hasCounted && worker === this.#before) return
    this.#before = worker
    send(report)
  }

  close(): void {
    clearInterval(this.#timer)
    this.report()
  }
}
