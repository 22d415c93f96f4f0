import { mkdirSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { Collector } from '../../lib/status/collector'
import type { WorkerReport } from '../../lib/status/facts'
import { FactsFile } from '../../lib/status/facts-file'
import { IDLE_VIEW } from '../support/decided'
import { Recorder, type WorkerView } from '../../lib/status/recorder'

/** What a running server counts, and writes into its state folder. */
export interface ReportingServer {
  readonly recorder: Recorder
  /** Writes what was counted until now. */
  readonly report: (view?: Partial<WorkerView>) => void
  /** Adds what another worker reports. */
  readonly add: (report: WorkerReport) => void
}

/** Counts in this process as the one worker of a server; ends with the test. @param now milliseconds since the epoch */
export function startReporting(t: TestContext, folder: string, now: () => number): ReportingServer {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const collector = new Collector({ pid: process.pid, now })
  const recorder = new Recorder({ pid: process.pid, now })
  const open = () => new FactsFile({ folder, collector, warn: (message) => t.assert.fail(message) })
  const add = (report: WorkerReport) => {
    const file = open()
    collector.add(report)
    file.noteChange({ hits: true })
    file.close()
  }
  return { recorder, add, report: (view = {}) => add(recorder.take({ ...IDLE_VIEW, ...view })) }
}
