import { setTimeout as sleep } from 'node:timers/promises'
import { DnsOverridesError } from '../model/errors'
import { type Hold, readHolds, removeHold, writeHold } from './holds'
import { type ProcessSnapshot, readSnapshots } from './snapshot'

/** The result of holding or resuming a relay. */
export interface HoldReport {
  /** False if it was already held, or already in use. */
  readonly changed: boolean
  /** Process ids of the living workers that have reported it. */
  readonly confirmedBy: readonly number[]
  /** Process ids of the living workers that did not report it in time. */
  readonly missing: readonly number[]
}

export interface HoldOptions {
  /** The state folder. */
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /**
   * The longest wait for the workers. If the system does not report changes of a folder, they check it every five seconds.
   *
   * @default 8 s
   */
  readonly patienceMs?: number
}

const PATIENCE_MS = 8_000
const LOOK_INTERVAL_MS = 50

/** No server uses the state folder. */
export class NoServerError extends DnsOverridesError {
  constructor(folder: string) {
    super(`no server uses ${folder}`, { code: 'ENOSERVER', temporary: false })
  }
}

/**
 * Holds a relay, and waits until every worker reports it. A hold without reason and end does not change one that exists.
 *
 * @param hold `until` in ms since the epoch
 * @throws NoServerError if no worker lives; Error as `fs` does, and if the folder is a link
 */
export async function holdRelay(
  hold: Pick<Hold, 'name' | 'until' | 'reason'>,
  options: HoldOptions,
): Promise<HoldReport> {
  const { folder, now } = options
  if (workersOf(folder, now()).length === 0) throw new NoServerError(folder)
  const before = readHolds(folder, now()).get(hold.name)
  const stays = before !== undefined && hold.until === undefined && hold.reason === undefined
  const placed = stays ? before : { ...hold, since: now() }
  if (!stays) writeHold(folder, placed)
  return { changed: !stays, ...(await awaitWorkers(hold.name, placed.since, options)) }
}

/**
 * Ends a hold, and waits until every worker reports it. Without a server, the file alone is removed.
 *
 * @throws Error as `fs` does, and if the folder is a link
 */
export async function resumeRelay(name: string, options: HoldOptions): Promise<HoldReport> {
  const changed = removeHold(options.folder, name)
  return { changed, ...(await awaitWorkers(name, undefined, options)) }
}

/** The living workers that use a state folder, by what they wrote. @throws Error as {@link readSnapshots} */
function workersOf(folder: string, now: number): readonly ProcessSnapshot[] {
  return readSnapshots(folder, now).filter(({ role }) => role === 'worker')
}

/** @param since of the hold that they must report; undefined if they must report none */
async function awaitWorkers(
  name: string,
  since: number | undefined,
  { folder, now, patienceMs = PATIENCE_MS }: HoldOptions,
): Promise<Pick<HoldReport, 'confirmedBy' | 'missing'>> {
  const knows = ({ holds }: ProcessSnapshot) => holds.find((known) => known.name === name)?.since === since
  // Not the system time, which may be changed.
  const end = performance.now() + patienceMs
  for (;;) {
    const workers = workersOf(folder, now())
    const missing = workers.filter((worker) => !knows(worker))
    if (missing.length === 0 || performance.now() >= end) {
      const pids = (some: readonly ProcessSnapshot[]) => some.map(({ pid }) => pid)
      return { confirmedBy: pids(workers.filter(knows)), missing: pids(missing) }
    }
    await sleep(LOOK_INTERVAL_MS)
  }
}
