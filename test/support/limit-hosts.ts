import type { TestContext } from 'node:test'
import { createIdentity, type HostIdentity } from '../../lib/redis/host-identity'
import { NO_MEMORY } from '../../lib/redis/host-memory'
import { SharedLimits } from '../../lib/redis/shared-limits'
import { isPlace, LimitedPlaces, type NoPlace, type Place } from '../../lib/relays/limited-places'
import type { Limits } from '../../lib/relays/limit-types'
import { LocalLimits } from '../../lib/relays/local-limits'
import { connectTo, PATIENT, type Patience } from './redis-server'
import { until } from './until'

/** What a relay sees of all hosts together. */
export class Gauge {
  #open = 0
  most = 0
  sent = 0

  enter(): void {
    this.most = Math.max(this.most, ++this.#open)
  }

  leave(sent: boolean): void {
    this.#open--
    if (sent) this.sent++
  }
}

/** The process of a host that counts, as `lib/haraka/relay-state.ts` makes it, in this process. */
export interface LimitHost {
  readonly places: LimitedPlaces
  readonly shared: SharedLimits
  readonly said: readonly string[]
  /** The host is gone without a word. */
  readonly die: () => void
}

/** Milliseconds. */
const LONGEST_WAIT_MS = 1_000

const monotonic = () => performance.now()

export async function startHost(
  t: TestContext,
  port: number,
  {
    identity = createIdentity(),
    waits = true,
    patience = PATIENT,
  }: { readonly identity?: HostIdentity; readonly waits?: boolean; readonly patience?: Patience } = {},
): Promise<LimitHost> {
  const { connection, said } = connectTo(t, port, {}, patience)
  const shared = new SharedLimits({
    connection,
    identity,
    renew: createIdentity,
    memory: NO_MEMORY,
    monotonic,
  })
  const places = new LimitedPlaces({ service: new LocalLimits({ monotonic, lender: shared }), monotonic })
  const isMember = () => shared.isSettled && shared.slice.end > shared.slice.begin
  if (waits) await until(isMember, 'the others')
  return { places, shared, said, die: () => connection.close() }
}

/** A place, or why it is refused now. */
export const tryTake = async ({ places }: LimitHost, limits: Limits): Promise<Place | NoPlace> =>
  places.take(limits)

/** A place; waits for it as the plugin does. Undefined where the hour is over. */
export async function takePlace(host: LimitHost, limits: Limits): Promise<Place | undefined> {
  for (;;) {
    const answer = await host.places.take(limits)
    if (isPlace(answer)) return answer
    if (answer.why === 'quota') return undefined
    // As Haraka's queue: a message goes on after a while in any case.
    await new Promise<void>((wake) => {
      const goOn = () => {
        clearTimeout(timer)
        leave()
        wake()
      }
      const timer = setTimeout(goOn, LONGEST_WAIT_MS)
      const leave = host.places.whenFree(limits, goOn, false)
    })
  }
}

/** Sends so many messages with so many threads; each keeps its connection for some milliseconds. */
export async function sendMessages(
  host: LimitHost,
  limits: Limits,
  gauge: Gauge,
  {
    messages,
    threads,
    holdMs,
  }: { readonly messages: number; readonly threads: number; readonly holdMs: () => number },
): Promise<number> {
  let left = messages
  let refused = 0
  const thread = async () => {
    while (left-- > 0) {
      const place = await takePlace(host, limits)
      if (place === undefined) {
        refused++
        continue
      }
      gauge.enter()
      await new Promise((done) => setTimeout(done, holdMs()))
      gauge.leave(true)
      place.giveBack(true)
    }
  }
  await Promise.all(Array.from({ length: threads }, thread))
  return refused
}
