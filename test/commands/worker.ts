import type { TestContext } from 'node:test'
import type { Exchange } from '../../lib/model/exchange'
import { systemClock } from '../../lib/relays/clock'
import { openStateFolder, prepareStateFolder } from '../../lib/relays/state-folder'
import { isUnavailable, type Lease, type RelayState } from '../../lib/relays/types'
import { atOnce, localRelayState } from '../support/relay-state'

/** What a worker of a running server does with its state folder; it ends with the test. */
export function startWorker(t: TestContext, folder: string): RelayState {
  prepareStateFolder(folder)
  const worker = localRelayState({
    clock: systemClock(),
    folder: openStateFolder({ path: folder, now: Date.now, warn: () => {} }),
  })
  t.after(() => worker.close())
  return worker
}

/** Takes a place at a server that has one. */
export function acquire(worker: RelayState, exchange: Exchange): Lease {
  const lease = atOnce(worker.acquire(exchange))
  if (isUnavailable(lease)) throw new Error(lease.message)
  return lease
}

/** A message fails at a server through the server's fault. */
export function fail(worker: RelayState, exchange: Exchange, message = 'connection refused'): void {
  const lease = acquire(worker, exchange)
  lease.reportFailure({ stage: 'connect', message })
  lease.end(false)
}
