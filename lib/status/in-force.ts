import { toPrintable } from '../model/printable'
import type { ReadingResult, WorkerFacts } from './facts'
import { formatCount, formatTime } from './wording'

/** What is in force over all workers, beside the file as it is now. */
export interface InForceReport {
  /** Since when; milliseconds since the epoch. Absent: nothing is in force. */
  readonly since?: number
  readonly workers: number
  /** Workers that have in force what the file says now. */
  readonly upToDate: number
  /** What a worker has read last, if it refused it. */
  readonly refused?: ReadingResult
}

/** @param digest of the file, as `readConfigurationSource` gives it */
export function reportInForce(
  workers: readonly Pick<WorkerFacts, 'inForce' | 'reading'>[],
  digest: string,
): InForceReport {
  const times = workers.flatMap(({ inForce }) => inForce?.since ?? [])
  const refused = workers.find(({ reading }) => reading?.good === false)?.reading
  return {
    ...(times.length === 0 ? {} : { since: Math.min(...times) }),
    workers: workers.length,
    upToDate: workers.filter(({ inForce }) => inForce?.digest === digest).length,
    ...(refused === undefined ? {} : { refused }),
  }
}

/** Has every worker what the file says now? */
export const isUpToDate = ({ workers, upToDate }: InForceReport): boolean =>
  workers > 0 && upToDate === workers

/** The rest of a sentence about the file: `is in force since ..., and has not changed since`. */
export function describeInForce(report: InForceReport): string {
  const { since, workers, upToDate, refused } = report
  if (since === undefined) return 'is not in force'
  if (isUpToDate(report)) return `is in force since ${formatTime(since)}, and has not changed since`
  const state =
    upToDate === 0
      ? `has changed, and an older one is in force since ${formatTime(since)}`
      : `is in force in ${upToDate} of ${formatCount(workers, 'worker')}`
  if (refused === undefined) return `${state}; it has not been read again`
  return `${state}; read at ${formatTime(refused.at)}, it ${toPrintable(refused.reason)}`
}
