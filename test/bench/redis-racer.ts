import { closeSync, openSync, unlinkSync } from 'node:fs'
import { createIdentity } from '../../lib/redis/host-identity'
import { NO_MEMORY } from '../../lib/redis/host-memory'
import { createClient, mergeSettings } from '../../lib/redis/client'
import { openConnection } from '../../lib/redis/connection'
import { SharedBreakers } from '../../lib/redis/shared-breakers'
import { SharedLimits } from '../../lib/redis/shared-limits'
import type { Trouble } from '../../lib/relays/breaker'
import { isPlace, LimitedPlaces } from '../../lib/relays/limited-places'
import { LocalLimits } from '../../lib/relays/local-limits'

/* A process of the races: a host of its own. It does what its parent says. */

/** What the parent says. */
export type RacerOrder =
  /** Ask for the trial of this server. `tells`: say first that it has failed. */
  | { readonly trial: string; readonly tells: boolean }
  /** Take the last place so often, each time with a file that only one may make. */
  | { readonly places: number; readonly lock: string }

/** What the racer answers. `broken`: another had the place. */
export interface RacerAnswer {
  readonly granted: number
  readonly broken: number
}

const TROUBLE: Trouble = { failures: 1, pauseMs: 1, openMs: 0, trialMs: 0, lastFailure: 'refused' }
const LIMITS = { key: 'last place', maxConnections: 1 }

const section = { host: '127.0.0.1', port: process.env.REDIS_PORT! }
const monotonic = () => performance.now()
const connection = openConnection({
  createClient: () => createClient(mergeSettings({ section, redisIni: {} })),
  onGone: () => {},
  onBack: () => {},
  patienceMs: 5_000,
})
const identity = createIdentity()
const breakers = new SharedBreakers({ connection, process: identity.instance, monotonic })
const shared = new SharedLimits({ connection, identity, renew: createIdentity, memory: NO_MEMORY, monotonic })
const places = new LimitedPlaces({ service: new LocalLimits({ monotonic, lender: shared }), monotonic })

let failed: string | undefined
breakers.begin({
  trouble: (key) => (key === failed ? TROUBLE : undefined),
  troubled: () => [],
  adopt: () => {},
})

async function askTrial(key: string, tells: boolean): Promise<RacerAnswer> {
  const before = failed
  failed = key
  if (before !== undefined) breakers.send(before)
  if (tells) breakers.send(key)
  const asked = breakers.askTrial(key)
  return { granted: (await asked) === undefined ? 0 : 1, broken: asked === undefined ? 1 : 0 }
}

async function takePlaces(count: number, lock: string): Promise<RacerAnswer> {
  let broken = 0
  for (let taken = 0; taken < count;) {
    const answer = await places.take(LIMITS)
    if (!isPlace(answer)) {
      await new Promise<void>((wake) => places.whenFree(LIMITS, wake, false))
      continue
    }
    taken++
    try {
      closeSync(openSync(lock, 'wx'))
      await new Promise((done) => setImmediate(done))
      unlinkSync(lock)
    } catch {
      broken++
    }
    answer.giveBack(true)
  }
  return { granted: count, broken }
}

process.on('message', (order: RacerOrder) => {
  const work = 'trial' in order ? askTrial(order.trial, order.tells) : takePlaces(order.places, order.lock)
  void work.then((answer) => process.send!(answer))
})
const ready = setInterval(() => {
  if (!connection.isReady || !shared.isShared) return
  clearInterval(ready)
  process.send!({ granted: 0, broken: 0 })
}, 10)
