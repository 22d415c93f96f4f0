/**
 * A day of 100 million messages to 5 million domains: what it needs of memory, DNS and Redis.
 *
 *     npm run bench -- day -- [PART] [SEED]
 *
 * Simulated: the real cache and decision, with a clock and answers that are made up (`day-mail.ts` says what is assumed). One in PART
 * messages and domains is played, with caches of that part of the size, over 24 hours; each domain has as much mail as in the whole.
 * To check that, a part of a fifth is played too. To check the simulation, a small day goes through the real resolver and a real name
 * server as well, and must ask as many questions.
 */
import { createResolver } from '../../lib/dns/resolver'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { randomFrom } from '../support/dns-fuzz'
import { a, mx, startZone, type ZoneData } from '../support/dns-scripted'
import { configure } from '../support/rules'
import { decideWithDns } from '../../lib/routing/decide-with-dns'
import { locateAll } from '../../lib/routing/route'
import { decide } from '../../lib/rules/decide'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { DAY_SECONDS, domainData, domainName, eachMessage, NEGATIVE_TTL } from './day-mail'
import { createCache, type DayCounts, DayWorker } from './day-worker'
import { garbageCollector, print, type Row } from './support'

const MESSAGES = 100_000_000
const DOMAINS = 5_000_000
const PART = Number(process.argv[2] ?? 250)
const WORKERS = 8
/** The most answers that Redis keeps (`answers-scripts.ts`). */
const SHARED_ANSWERS = 50_000
const SEED = Number(process.argv[3] ?? 7)
const SMALL = { messages: 20_000, domains: 1_000, part: 1, seed: SEED }

const { rules } = configure(
  Array.from({ length: 10_000 }, (_, n) => `other${n}.example smtp.isp.example`).join('\n'),
)
const collect = garbageCollector()

interface Day {
  readonly part: number
  readonly cacheSize: number
  readonly isShared: boolean
}

interface DayResult extends DayCounts {
  /** Answers in the cache of a worker at the end. */
  readonly entries: number
  /** Bytes of an answer. */
  readonly bytes: number
}

const heapUsed = () => {
  collect()
  return process.memoryUsage().heapUsed
}

async function simulate({ part, cacheSize, isShared }: Day): Promise<DayResult> {
  const counts: DayCounts = { messages: 0, ready: 0, searches: 0, queries: 0 }
  let now = 0
  const shared = isShared ? createCache(Math.round(SHARED_ANSWERS / part)) : undefined
  const before = heapUsed()
  const createWorker = () =>
    new DayWorker({
      rules,
      cacheSize: Math.round(cacheSize / part),
      ...(shared === undefined ? {} : { shared }),
      now: () => now,
      counts,
      part,
    })
  const workers = Array.from({ length: WORKERS }, createWorker)
  const random = randomFrom(SEED, 2)
  await eachMessage({ messages: MESSAGES, domains: DOMAINS, part, seed: SEED }, (second, rank) => {
    now = second * 1000
    workers[Math.floor(random() * WORKERS)]!.route(domainName(rank))
  })
  const entries = workers.reduce((sum, { cache }) => sum + cache.size, 0)
  const bytes = (heapUsed() - before) / (entries + (shared?.size ?? 0))
  return { ...counts, entries: (entries * part) / WORKERS, bytes }
}

const perSecond = (count: number) => (count / DAY_SECONDS).toFixed(0)

async function playDay(part: number): Promise<void> {
  const rows: Row[] = []
  for (const [cacheSize, isShared] of [
    [0, false],
    [1_000, false],
    [100_000, false],
    [1_000_000, false],
    [1_000_000, true],
  ] as const) {
    const { ready, messages, queries, searches, entries, bytes } = await simulate({
      part,
      cacheSize,
      isShared,
    })
    const texts = [
      `${((100 * ready) / messages).toFixed(1)} % ready at once`,
      `${perSecond(queries * part)} DNS queries a second`,
      ...(isShared ? [`${perSecond(searches * part)} searches a second in Redis`] : []),
      // Of few the heap is too noisy.
      ...(entries > 50_000
        ? [`${entries.toFixed(0)} answers, ${((entries * bytes) / 1e6).toFixed(0)} MB a worker`]
        : []),
    ]
    rows.push({
      what: `dns_cache_size = ${cacheSize}${isShared ? ', Redis' : ''}`,
      value: texts.join(', '),
    })
  }
  print(
    `A day of ${MESSAGES} messages to ${DOMAINS} domains, ${WORKERS} workers (1/${part} of it played)`,
    rows,
  )
}

/** The same small day simulated, and through the real resolver and a name server: how many questions of each type were asked. */
async function check(): Promise<void> {
  const counts: DayCounts = { messages: 0, ready: 0, searches: 0, queries: 0 }
  let now = 0
  const cacheSize = 500
  const worker = new DayWorker({ rules, cacheSize, now: () => now, counts, part: 1 })
  await eachMessage(SMALL, (second, rank) => {
    now = second * 1000
    worker.route(domainName(rank))
  })
  const zone = await startZone(zoneOf(SMALL.domains), { negativeTtl: NEGATIVE_TTL })
  const resolver = createResolver({
    servers: [zone.server],
    cacheSize,
    tuning: DNS_DEFAULTS,
    now: () => now,
  })
  await eachMessage(SMALL, async (second, rank) => {
    now = second * 1000
    const message = { ...BLANK_MESSAGE, domain: domainName(rank) }
    const decision = await decideWithDns(
      decide,
      { rules, message },
      {
        mx: (name) => resolver.mx(name),
        addresses: (name) => resolver.addresses(name, 'default'),
      },
    )
    if (decision.outcome === 'deliver') await locateAll(decision.exchanges, resolver, 'default')
  })
  resolver.close()
  await zone.stop()
  const difference = Math.abs(zone.asked.length - counts.queries) / zone.asked.length
  print(`A day of ${SMALL.messages} messages to ${SMALL.domains} domains, questions to DNS`, [
    { what: 'simulated', value: String(counts.queries) },
    { what: 'the real resolver, counted by the name server', value: String(zone.asked.length) },
    {
      what: 'difference',
      value: `${(100 * difference).toFixed(2)} %`,
      goal: 'below 1 %',
      met: difference < 0.01,
    },
  ])
}

function zoneOf(domains: number): Record<string, readonly ZoneData[]> {
  const table: Record<string, readonly ZoneData[]> = {}
  for (let rank = 0; rank < domains; rank++) {
    const data = domainData(rank).mx
    if (data === undefined) continue
    table[domainName(rank)] = data.hosts.map((host, n) => mx(10 * (n + 1), host.name, data.ttl))
    for (const host of data.hosts) table[host.name] = [a('192.0.2.1', host.ttl)]
  }
  return table
}

async function main(): Promise<void> {
  await check()
  await playDay(PART * 5)
  await playDay(PART)
}

void main()
