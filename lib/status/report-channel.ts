import type { Serializable } from 'node:child_process'
import type { LimitPort } from '../relays/limit-channel'
import type { Collector } from './collector'
import type { WorkerReport } from './facts'
import { readReport } from './read-facts'

/*
 * Workers report to the master process over the channel that Node's cluster module gives them, as they do for limits (see
 * lib/relays/limit-channel.ts). Every message is an object with the one property `dns_overrides_report`, which nobody else looks at.
 */

const PROPERTY = 'dns_overrides_report'

/** A worker as the master sees it (`cluster.Worker`). */
interface ReportingWorker {
  isDead(): boolean
  once(event: 'exit', listener: () => void): unknown
}

/** `node:cluster` in the master process. */
export interface ReportCluster<W extends ReportingWorker> {
  on(event: 'message', listener: (worker: W, message: unknown) => void): unknown
  off(event: 'message', listener: (worker: W, message: unknown) => void): unknown
}

/**
 * Hands what workers report to the collector. To be called in the master process, before it starts them.
 *
 * @param onChange called after each change
 * @returns ends it
 */
export function collectReports<W extends ReportingWorker>(
  cluster: ReportCluster<W>,
  collector: Collector,
  onChange: (report?: WorkerReport) => void,
): () => void {
  const known = new WeakSet<W>()
  const listen = (worker: W, message: unknown) => {
    const report = readReport((message as Record<string, unknown> | null)?.[PROPERTY])
    if (report === undefined) return
    if (!known.has(worker)) {
      known.add(worker)
      worker.once('exit', () => {
        collector.forget(report.worker.pid)
        onChange()
      })
    }
    collector.add(report)
    // What a worker said last may arrive after its end.
    if (worker.isDead()) collector.forget(report.worker.pid)
    onChange(report)
  }
  cluster.on('message', listen)
  return () => void cluster.off('message', listen)
}

/** The worker's end of the channel (`process`). */
export type ReportPort = Pick<LimitPort, 'connected' | 'send'>

/** Reports to the master process. What cannot be sent is lost: a worker without a channel is about to end. */
export function sendReport(port: ReportPort, report: WorkerReport): void {
  if (!port.connected || port.send === undefined) return
  port.send({ [PROPERTY]: report } as unknown as Serializable, undefined, undefined, () => {})
}
