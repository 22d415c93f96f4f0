/** One worker among those of a server. */
export interface Worker {
  /** From 0. */
  readonly index: number
  readonly count: number
}

/** A worker's part of a limit: `amount` until `until` (ms since the epoch), where that changes with time. */
export interface Share {
  readonly amount: number
  readonly until?: number
}

/**
 * A worker's part of a limit that holds over all workers. The parts of all workers together are the limit, at any time.
 *
 * A limit smaller than the number of workers cannot be given to all at once, and a worker without a part could never send
 * its mail: there the workers take turns, each for `slice` milliseconds. `idle` is left unused at the end of each turn, so that what
 * the one began is over when the next begins.
 */
export function shareOf(limit: number, worker: Worker, now: number, slice: number, idle: number): Share {
  const index = worker.index % worker.count
  if (limit >= worker.count) {
    return { amount: Math.floor(limit / worker.count) + (index < limit % worker.count ? 1 : 0) }
  }
  const turn = Math.floor(now / slice)
  const first = (turn * limit) % worker.count
  const distance = (index - first + worker.count) % worker.count
  const end = (turn + 1) * slice
  if (distance < limit) {
    if (now < end - idle) return { amount: 1, until: end - idle }
  }
  // The next turn in which this worker is among those that have a part.
  for (let ahead = 1; ; ahead++) {
    const start = ((turn + ahead) * limit) % worker.count
    if ((index - start + worker.count) % worker.count < limit)
      return { amount: 0, until: (turn + ahead) * slice }
  }
}
