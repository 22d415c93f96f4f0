/** Names that nobody has asked for yet: what a lookup costs, and how many of a burst fail. */
import { FIVE, FIVE_WITH_ADDRESSES, TWO } from './dns-server'
import { ours, stock } from './dns-contenders'
import { alternate, costOf, eachOf, median, print, type Cost } from './support'

const ROUNDS = 7
const LOOKUPS = 4_000
const IN_FLIGHT = 50
const BURST = 2_000

export async function cold(port: number): Promise<void> {
  await coldOf(port, TWO, 2, '2 records')
  await coldOf(port, FIVE, 5, '5 records')
  await coldOf(port, FIVE_WITH_ADDRESSES, 5, '5 records, their addresses beside')
}

async function coldOf(port: number, zone: string, hosts: number, what: string): Promise<void> {
  const resolver = ours(port)
  const { dns } = stock(port)
  const check = (records: readonly unknown[]): void => {
    if (records.length !== hosts) throw new Error(`${records.length} records instead of ${hosts}`)
  }
  const results = await alternate<'ours' | 'stock', Cost>(ROUNDS, {
    ours: (round) =>
      costOf(() =>
        eachOf(LOOKUPS, IN_FLIGHT, async (index) => {
          const answer = await resolver.mx(`o${round}-${index}.${zone}`)
          check(answer.kind === 'mx' ? answer.records : [])
        }),
      ),
    stock: (round) =>
      costOf(() =>
        eachOf(LOOKUPS, IN_FLIGHT, async (index) => check(await dns.resolveMx(`s${round}-${index}.${zone}`))),
      ),
  })
  resolver.close()
  const cpu = (costs: readonly Cost[]): number => median(costs.map((cost) => cost.cpu)) / LOOKUPS
  const rate = (costs: readonly Cost[]): number => LOOKUPS / (median(costs.map((cost) => cost.wall)) / 1e6)
  const ratio = median(results.ours.map((cost, round) => cost.cpu / results.stock[round]!.cpu))
  print(`Cold MX lookups, ${what}, ${IN_FLIGHT} in flight, ${ROUNDS} rounds of ${LOOKUPS}`, [
    { what: 'ours, CPU a lookup', value: `${cpu(results.ours).toFixed(1)} us` },
    { what: 'c-ares, CPU a lookup', value: `${cpu(results.stock).toFixed(1)} us` },
    { what: 'ours / c-ares', value: ratio.toFixed(2), goal: 'at most 1.5', met: ratio <= 1.5 },
    { what: 'ours, lookups a second', value: rate(results.ours).toFixed(0) },
    { what: 'c-ares, lookups a second', value: rate(results.stock).toFixed(0) },
  ])
}

/** All at once, as when a queue is loaded. */
export async function burst(port: number): Promise<void> {
  const { dns } = stock(port)
  const failures = { ours: [] as number[], stock: [] as number[] }
  const times = { ours: [] as number[], stock: [] as number[] }
  for (let round = 0; round < 3; round++) {
    const resolver = ours(port)
    const names = Array.from({ length: BURST }, (_, index) => `b${round}-${index}.${TWO}`)
    const our = await costOf(async () => {
      const answers = await Promise.all(names.map((name) => resolver.mx(name)))
      failures.ours.push(answers.filter(({ kind }) => kind !== 'mx').length)
    })
    times.ours.push(our.wall / 1000)
    resolver.close()
    const their = await costOf(async () => {
      const answers = await Promise.allSettled(names.map((name) => dns.resolveMx(name)))
      failures.stock.push(answers.filter(({ status }) => status === 'rejected').length)
    })
    times.stock.push(their.wall / 1000)
  }
  const worst = Math.max(...failures.ours)
  print(`${BURST} different names at once, 3 times`, [
    { what: 'ours, failures', value: failures.ours.join(', '), goal: '0', met: worst === 0 },
    { what: 'c-ares with one try, failures', value: failures.stock.join(', ') },
    { what: 'ours, until the last answer', value: `${median(times.ours).toFixed(0)} ms` },
    { what: 'c-ares, until the last answer or failure', value: `${median(times.stock).toFixed(0)} ms` },
  ])
}
