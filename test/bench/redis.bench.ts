import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createIdentity } from '../../lib/redis/host-identity'
import { NO_MEMORY } from '../../lib/redis/host-memory'
import { SharedBreakers } from '../../lib/redis/shared-breakers'
import { SharedLimits } from '../../lib/redis/shared-limits'
import { systemClock } from '../../lib/relays/clock'
import { isPlace, LimitedPlaces } from '../../lib/relays/limited-places'
import { LocalLimits } from '../../lib/relays/local-limits'
import { Gauge, sendMessages } from '../support/limit-hosts'
import { connectTo, PATIENT, RedisServer } from '../support/redis-server'
import { localRelayState } from '../support/relay-state'
import { relayExchange } from '../support/servers'
import type { RacerAnswer, RacerOrder } from './redis-racer'
import { median, print, type Row } from './support'
import { until } from '../support/until'

/* Races of processes for the one trial and for the last place, and what Redis costs. */

const RACERS = 4
const ROUNDS = Number(process.env.ROUNDS ?? 10_000)
const DECISIONS = 300_000
const LEASES = 200
const MESSAGES = 2_000

const endings: (() => unknown)[] = []
const bench = { after: (work: () => unknown) => void endings.push(work) }

const monotonic = () => performance.now()
const isp = relayExchange({ host: 'smtp.example', name: 'isp', retryAfterMs: 60_000 })

async function ask(racer: ChildProcess, order: RacerOrder): Promise<RacerAnswer> {
  racer.send(order)
  const [answer] = (await once(racer, 'message')) as [RacerAnswer]
  return answer
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0)

async function race(redis: RedisServer): Promise<Row[]> {
  const racers = Array.from({ length: RACERS }, () =>
    fork(join(__dirname, 'redis-racer.js'), { env: { ...process.env, REDIS_PORT: String(redis.port) } }),
  )
  try {
    await Promise.all(racers.map((racer) => once(racer, 'message')))
    const wins = racers.map(() => 0)
    let wrong = 0
    let from = performance.now()
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await Promise.all(
        racers.map((racer, index) =>
          ask(racer, { trial: `r${round}`, tells: round % 2 === 1 && index === 0 }),
        ),
      )
      for (const [index, { granted }] of answers.entries()) wins[index]! += granted
      if (sum(answers.map(({ granted }) => granted)) !== 1) wrong++
    }
    const trialMs = (performance.now() - from) / ROUNDS
    from = performance.now()
    const lock = join(redis.folder, 'lock')
    const taken = await Promise.all(
      racers.map((racer) => ask(racer, { places: Math.ceil(ROUNDS / RACERS), lock })),
    )
    const placeMs = (performance.now() - from) / ROUNDS
    const broken = sum(taken.map((answer) => answer.broken))
    return [
      { what: 'rounds of the one trial, wins of each', value: wins.join(' ') },
      { what: 'rounds without exactly one winner', value: String(wrong), goal: '0', met: wrong === 0 },
      { what: 'a round of the trial', value: `${trialMs.toFixed(2)} ms` },
      { what: 'the last place, taken', value: String(sum(taken.map(({ granted }) => granted))) },
      { what: 'taken by two at once', value: String(broken), goal: '0', met: broken === 0 },
      { what: 'from one taker to the next', value: `${placeMs.toFixed(2)} ms` },
    ]
  } finally {
    for (const racer of racers) racer.kill()
  }
}

const callsOf = async (redis: RedisServer): Promise<number> =>
  sum(
    [
      ...String(await redis.command('INFO', 'commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g),
    ].map(([, calls]) => Number(calls)),
  )

/** How often breakers are shared by themselves, milliseconds. */
const SHARE_MS = 400

interface WarmCost {
  readonly us: number
  /** Scripts that Redis has run beside those of timers. */
  readonly calls: number
}

/** Microseconds of a decision and a lease at a relay without limits, while breakers are shared. */
async function decideWarm(redis?: RedisServer): Promise<WarmCost> {
  const clock = systemClock()
  let sharing: SharedBreakers | undefined
  if (redis !== undefined) {
    const { connection } = connectTo(bench, redis.port, {}, PATIENT)
    sharing = new SharedBreakers({ connection, process: createIdentity().instance, monotonic })
    await until(() => connection.isReady, 'Redis')
  }
  const state = localRelayState({ clock, ...(sharing === undefined ? {} : { sharing }) })
  state.know([isp])
  const run = async () => {
    for (let i = 0; i < DECISIONS; i++) {
      state.look(isp)
      const lease = state.acquire(isp)
      if (lease instanceof Promise || 'usable' in lease) throw new Error('no lease at once')
      lease.reportSuccess()
      lease.end(true)
      // Timers, and what was to be sent.
      if (i % 100 === 0) await new Promise((done) => setImmediate(done))
    }
  }
  await run()
  const before = redis === undefined ? 0 : await callsOf(redis)
  const from = performance.now()
  await run()
  const ms = performance.now() - from
  const calls = redis === undefined ? 0 : (await callsOf(redis)) - before
  sharing?.close()
  return { us: (ms * 1_000) / DECISIONS, calls: Math.max(0, calls - Math.ceil(ms / SHARE_MS)) }
}

function startLimits(redis: RedisServer) {
  const { connection } = connectTo(bench, redis.port, {}, PATIENT)
  const shared = new SharedLimits({
    connection,
    identity: createIdentity(),
    renew: createIdentity,
    memory: NO_MEMORY,
    monotonic,
  })
  const places = new LimitedPlaces({ service: new LocalLimits({ monotonic, lender: shared }), monotonic })
  return { shared, places, said: [], die: () => connection.close() }
}

async function measureLeases(redis: RedisServer): Promise<Row[]> {
  const hosts = [startLimits(redis), startLimits(redis)]
  await until(() => hosts.every(({ shared }) => shared.isShared), 'Redis')
  const times: number[] = []
  const three = { key: 'three', maxConnections: 3 }
  while (times.length < LEASES) {
    const { places, shared } = hosts[0]!
    // Until then a place of the last message is kept.
    await until(() => shared.portion(three).maxConnections === 0, 'the end of the last lease')
    const from = performance.now()
    const place = await places.take(three)
    if (!isPlace(place)) continue
    times.push(performance.now() - from)
    place.giveBack(true)
  }
  times.sort((a, b) => a - b)
  const before = await callsOf(redis)
  const gauge = new Gauge()
  const work = { messages: MESSAGES / 2, threads: 8, holdMs: () => 5 }
  const limits = { key: 'isp', maxConnections: 20, maxPerHour: 1_000_000 }
  await Promise.all(hosts.map((host) => sendMessages(host, limits, gauge, work)))
  const calls = (await callsOf(redis)) - before
  for (const { die } of hosts) die()
  return [
    { what: 'a lease that Redis must be asked for, median', value: `${median(times).toFixed(2)} ms` },
    { what: 'the slowest of a hundred', value: `${times[Math.floor(LEASES * 0.99)]!.toFixed(2)} ms` },
    { what: 'commands for a message of a limited section', value: (calls / MESSAGES).toFixed(2) },
  ]
}

async function main(): Promise<void> {
  const redis = await RedisServer.start(bench)
  try {
    const alone = await decideWarm()
    const shared = await decideWarm(redis)
    print('decisions, all warm', [
      { what: 'without Redis', value: `${alone.us.toFixed(2)} us` },
      { what: 'with Redis', value: `${shared.us.toFixed(2)} us` },
      {
        what: 'questions to Redis beside those of timers',
        value: String(shared.calls),
        goal: '0',
        met: shared.calls === 0,
      },
    ])
    print('limits', await measureLeases(redis))
    await redis.command('FLUSHALL')
    print(`races of ${RACERS} processes, ${ROUNDS} rounds`, await race(redis))
  } finally {
    for (const end of endings.toReversed()) await end()
  }
}

void main()
