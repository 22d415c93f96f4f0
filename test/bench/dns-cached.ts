/** What is known already: what a message costs, against Haraka's own way, and what an entry weighs. */
import type { Resolver } from '../../lib/dns/resolver'
import { ours, stock } from './dns-contenders'
import { TWO } from './dns-server'
import { alternate, costOf, eachOf, garbageCollector, median, print, type Cost } from './support'

const ROUNDS = 7
const DOMAINS = 1_000
const HITS = 100_000
const MESSAGES = 1_000
const IN_FLIGHT = 50
const ENTRIES = 10_000

interface Exchange {
  readonly exchange: string
  readonly priority: number
  readonly from_dns: string
}

/** What `get_mx` is answered with: an exchange for each address, its host known, so that Haraka asks nothing more. */
function exchangesOf(resolver: Resolver, domain: string): Exchange[] | undefined {
  const mx = resolver.mx(domain)
  if (mx instanceof Promise || mx.kind !== 'mx') return undefined
  const exchanges: Exchange[] = []
  for (const { priority, exchange: host } of mx.records) {
    const answer = resolver.addresses(host, 'default')
    if (answer instanceof Promise || answer.kind !== 'addresses') return undefined
    for (const address of answer.addresses) exchanges.push({ exchange: address, priority, from_dns: host })
  }
  return exchanges
}

async function exchangesLater(resolver: Resolver, domain: string): Promise<Exchange[]> {
  const mx = await resolver.mx(domain)
  if (mx.kind !== 'mx') throw new Error(mx.kind)
  const answers = await Promise.all(mx.records.map(({ exchange }) => resolver.addresses(exchange, 'default')))
  return mx.records.flatMap(({ priority, exchange: host }, index) => {
    const answer = answers[index]!
    if (answer.kind !== 'addresses') throw new Error(answer.kind)
    return answer.addresses.map((address) => ({ exchange: address, priority, from_dns: host }))
  })
}

const each = (costs: readonly Cost[], count: number): number => median(costs.map(({ cpu }) => cpu)) / count

export async function cached(port: number): Promise<void> {
  // Twice what is held, so that nothing falls out.
  const resolver = ours(port, DOMAINS * 2)
  const haraka = stock(port)
  const domains = Array.from({ length: DOMAINS }, (_, index) => `c${index}.${TWO}`)
  await eachOf(DOMAINS, IN_FLIGHT, async (index) => void (await exchangesLater(resolver, domains[index]!)))
  const asked = resolver.stats().queries

  const { sync, later, stockWay } = await alternate<'sync' | 'later' | 'stockWay', Cost>(ROUNDS, {
    sync: () =>
      costOf(() => {
        for (let hit = 0; hit < HITS; hit++) {
          // A stride that shares no factor with the number of domains: the least recently used is hit, as in real life.
          const exchanges = exchangesOf(resolver, domains[(hit * 7) % DOMAINS]!)
          if (exchanges?.length !== 4) throw new Error('not in the cache')
        }
      }),
    later: () =>
      costOf(async () => {
        for (let hit = 0; hit < HITS / 10; hit++) {
          const exchanges = await exchangesLater(resolver, domains[(hit * 7) % DOMAINS]!)
          if (exchanges.length !== 4) throw new Error('not in the cache')
        }
      }),
    stockWay: () =>
      costOf(() =>
        eachOf(MESSAGES, IN_FLIGHT, async (index) => {
          const mxes = await haraka.get_mx(domains[(index * 7) % DOMAINS]!)
          const exchanges = await haraka.resolve_mx_hosts(mxes)
          if (exchanges.length !== 4) throw new Error(`stock found ${exchanges.length} exchanges`)
        }),
      ),
  })
  if (resolver.stats().queries !== asked) throw new Error('the cache was passed by')
  resolver.close()

  const hit = each(sync, HITS)
  const message = each(stockWay, MESSAGES)
  const ratio = message / hit
  print(`Exchanges of a domain with two MX hosts, known already (${DOMAINS} domains, ${ROUNDS} rounds)`, [
    { what: 'ours, at once', value: `${hit.toFixed(2)} us`, goal: 'at most 2 us', met: hit <= 2 },
    { what: 'ours, by promises', value: `${each(later, HITS / 10).toFixed(2)} us` },
    { what: 'stock get_mx and resolve_mx_hosts', value: `${message.toFixed(0)} us` },
    { what: 'stock / ours', value: ratio.toFixed(0), goal: 'at least 100', met: ratio >= 100 },
  ])
}

export async function memory(port: number): Promise<void> {
  const collect = garbageCollector()
  const resolver = ours(port, ENTRIES)
  const held = (): number => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  // Sockets, pools and compiled code are there before the first measurement.
  await eachOf(ENTRIES, IN_FLIGHT, async (index) => void (await resolver.mx(`w${index}.${TWO}`)))
  resolver.flush()
  const before = held()
  await eachOf(ENTRIES, IN_FLIGHT, async (index) => void (await resolver.mx(`m${index}.${TWO}`)))
  const full = held()
  const { entries } = resolver.stats()
  resolver.flush()
  const after = held()
  resolver.close()
  print(`Memory of ${entries} MX answers of two hosts`, [
    { what: 'bytes an entry', value: ((full - before) / entries).toFixed(0) },
    { what: 'bytes an entry that come back when flushed', value: ((full - after) / entries).toFixed(0) },
  ])
}
