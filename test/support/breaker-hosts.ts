import type { TestContext } from 'node:test'
import { RedisError } from '../../lib/redis/errors'
import { createIdentity } from '../../lib/redis/host-identity'
import { hashName, PREFIX } from '../../lib/redis/keys'
import { SharedBreakers } from '../../lib/redis/shared-breakers'
import type { Exchange } from '../../lib/model/exchange'
import { systemClock } from '../../lib/relays/clock'
import { isUnavailable, type Lease, type RelayState } from '../../lib/relays/types'
import { connectTo, interceptRun, PATIENT, type Patience, type RedisServer } from './redis-server'
import { localRelayState } from './relay-state'
import { relayExchange } from './servers'
import { until } from './until'

/** Where Redis keeps the breakers. */
export const BREAKERS_KEY = `${PREFIX}breakers`
/** A relay with a long pause, and one with the shortest. */
export const isp = relayExchange({ host: 'smtp.example', name: 'isp', retryAfterMs: 60_000 })
export const brief = relayExchange({ host: 'brief.example', name: 'brief', retryAfterMs: 1 })

/** A process that sends mail, as `lib/haraka/relay-state.ts` makes it, in this process. */
export interface BreakerHost {
  readonly state: RelayState
  readonly said: readonly string[]
  readonly logged: readonly string[]
  /** How many questions were sent to Redis. */
  readonly questions: () => number
  /** The process is gone without a word. */
  readonly die: () => void
}

export async function startBreakerHost(
  t: TestContext,
  port: number,
  {
    waits = true,
    speed = 1,
    patience = PATIENT,
    lose = () => undefined,
    delay = () => undefined,
  }: {
    readonly waits?: boolean
    readonly speed?: number
    readonly patience?: Patience
    /** A promise where Redis never hears of this script: it is over when the process knows that. */
    readonly lose?: (script: string) => Promise<unknown> | undefined
    /** A promise where the reply of this script comes later: when it has ended. */
    readonly delay?: (script: string, reply: unknown) => Promise<unknown> | undefined
  } = {},
): Promise<BreakerHost> {
  const { connection, said } = connectTo(t, port, {}, patience)
  const clock = systemClock()
  // How often things are told goes by this clock.
  const monotonic = () => clock.monotonic() * speed
  const { instance: process } = createIdentity()
  let questions = 0
  const counted = interceptRun(connection, async (...question) => {
    questions++
    const lost = lose(question[0].name)
    if (lost === undefined) {
      const reply = await connection.run(...question)
      await delay(question[0].name, reply)
      return reply
    }
    await lost
    throw new RedisError('it was lost on its way')
  })
  const sharing = new SharedBreakers({ connection: counted, process, monotonic })
  const logged: string[] = []
  const log = {
    info: (text: string) => void logged.push(text),
    warn: (text: string) => void logged.push(text),
  }
  const state = localRelayState({ clock, log, sharing })
  t.after(() => sharing.close())
  if (waits) await until(() => connection.isReady, 'Redis')
  const die = () => {
    sharing.close()
    connection.close()
  }
  return { state, said, logged, questions: () => questions, die }
}

/** A lease, or undefined where the server is left out. */
export async function tryServer({ state }: BreakerHost, exchange: Exchange): Promise<Lease | undefined> {
  const answer = await state.acquire(exchange)
  return isUnavailable(answer) ? undefined : answer
}

/** A message finds out that the server does not work. */
export async function failAt(host: BreakerHost, exchange: Exchange, message = 'refused'): Promise<void> {
  const lease = (await tryServer(host, exchange))!
  lease.reportFailure({ stage: 'connect', message })
  lease.end(false)
}

/** May mail go to the server, as far as this host knows? */
export const isUsable = ({ state }: BreakerHost, exchange = isp): boolean => state.look(exchange).usable
export const hostsOf = (count: number, start: () => Promise<BreakerHost>): Promise<BreakerHost[]> =>
  Promise.all(Array.from({ length: count }, start))

/** Waits for the end of the pause of {@link brief}, and takes its trial. */
export async function takeTrial(host: BreakerHost): Promise<Lease> {
  for (;;) {
    const lease = await tryServer(host, brief)
    if (lease !== undefined) return lease
    await until(() => isUsable(host, brief), 'the end of the pause or of the trial')
  }
}

/** One host finds out that the server does not work, and all know it. */
export async function failForAll(hosts: readonly BreakerHost[], exchange: Exchange): Promise<void> {
  for (const { state } of hosts) state.know([exchange])
  await failAt(hosts[0]!, exchange)
  const isKnown = ({ state }: BreakerHost) => state.status().some(({ failures }) => failures === 1)
  await until(() => hosts.every((host) => isKnown(host) && isUsable(host, exchange)), 'the failure')
}

/** The record of a server in Redis. */
export const recordOf = async (redis: RedisServer, key: string): Promise<string> =>
  String(await redis.command('HGET', BREAKERS_KEY, hashName(key)))
