/** Name servers that fail: one of two, and both. How long a lookup waits, what it works, and what it asks. */
import type { Resolver } from '../../lib/dns/resolver'
import { startScripted, type ScriptedServer } from '../support/dns-scripted'
import { freePort } from '../support/dns-servers'
import { ours, stock } from './dns-contenders'
import { TWO } from './dns-server'
import { alternate, costOf, eachOf, print, type Row, showRange } from './support'

const ROUNDS = 5
const LOOKUPS = 2_000
const IN_FLIGHT = 50
const DOMAINS = 50
const MESSAGES = 1_000

/** Nobody listens on the port, so that the system refuses at once; or somebody listens and says nothing. */
type Death = 'closed' | 'silent'

interface DeadServer {
  readonly port: number
  readonly stop: () => Promise<void>
}

async function startDead(death: Death): Promise<DeadServer> {
  if (death === 'closed') return { port: await freePort(), stop: async () => {} }
  const server: ScriptedServer = await startScripted(() => {})
  return { port: server.port, stop: () => server.stop() }
}

/** Milliseconds until the lookup ends, however it ends. */
async function waitOf(lookup: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await lookup.catch(() => {})
  return performance.now() - started
}

const queriesOf = (resolver: Resolver, port: number): number =>
  resolver
    .stats()
    .servers.filter(({ server }) => server.endsWith(`#${port}`))
    .reduce((sum, { queries }) => sum + queries, 0)

const milliseconds = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`

/** The server that is written first is dead. */
async function oneOfTwo(death: Death, good: number): Promise<Row[]> {
  const dead = await startDead(death)
  const sound = ours(good)
  const resolver = ours([dead.port, good])
  const { dns } = stock([dead.port, good])
  const first = await waitOf(Promise.resolve(resolver.mx(`first-${death}.${TWO}`)))
  const theirs = await waitOf(dns.resolveMx(`first-${death}.${TWO}`))
  let lookups = 0
  let failures = 0
  const lookUpAll = (contender: string, lookup: (name: string) => Promise<boolean>) => (round: number) =>
    costOf(() =>
      eachOf(LOOKUPS, IN_FLIGHT, async (index) => {
        if (!(await lookup(`${death}-${contender}${round}-${index}.${TWO}`))) failures++
        if (contender === 'f') lookups++
      }),
    )
  const isFound = async (of: Resolver, name: string) => (await of.mx(name)).kind === 'mx'
  const [before, deadBefore] = [queriesOf(resolver, good), queriesOf(resolver, dead.port)]
  const costs = await alternate(ROUNDS, {
    sound: lookUpAll('s', (name) => isFound(sound, name)),
    failing: lookUpAll('f', (name) => isFound(resolver, name)),
  })
  const asked = (queriesOf(resolver, good) - before) / lookups
  const wasted = queriesOf(resolver, dead.port) - deadBefore
  for (const each of [sound, resolver]) each.close()
  await dead.stop()
  const ratios = costs.failing.map(({ cpu }, round) => cpu / costs.sound[round]!.cpu)
  return [
    { what: `first ${death}: until the first answer`, value: milliseconds(first) },
    { what: `first ${death}: until the first answer of c-ares`, value: milliseconds(theirs) },
    { what: `first ${death}: processor time then, beside two that answer`, value: `x ${showRange(ratios)}` },
    {
      what: `first ${death}: queries a lookup at the other, failures of ${lookups}`,
      value: `${asked.toFixed(2)}, ${failures}`,
      goal: '1.00, 0',
      met: asked === 1 && failures === 0,
    },
    {
      what: `first ${death}: queries to the dead one meanwhile`,
      value: String(wasted),
      goal: 'below 10',
      met: wasted < 10,
    },
  ]
}

/** Both are dead: many messages to few domains, all at once, and once more. */
async function all(death: Death): Promise<Row[]> {
  const dead = await Promise.all([startDead(death), startDead(death)])
  const resolver = ours(dead.map(({ port }) => port))
  const askAll = () =>
    eachOf(MESSAGES, MESSAGES, async (index) => {
      const { kind } = await resolver.mx(`${death}${index % DOMAINS}.${TWO}`)
      if (kind !== 'failed') throw new Error(`${kind} without a server`)
    })
  const one = await costOf(askAll)
  const { queries } = resolver.stats()
  const again = await costOf(askAll)
  const more = resolver.stats().queries - queries
  resolver.close()
  for (const { stop } of dead) await stop()
  return [
    { what: `all ${death}: until it is said that DNS fails`, value: milliseconds(one.wall / 1000) },
    {
      what: `all ${death}: processor time of a message`,
      value: `${(one.cpu / MESSAGES).toFixed(0)} us, right after that ${(again.cpu / MESSAGES).toFixed(1)} us`,
    },
    {
      what: `all ${death}: queries a domain, right after that`,
      value: `${(queries / DOMAINS).toFixed(1)}, ${more}`,
      goal: 'at most 6.0 (2 servers, 3 tries), 0',
      met: queries <= 6 * DOMAINS && more === 0,
    },
  ]
}

export async function failing(port: number): Promise<void> {
  const rows: Row[] = []
  for (const death of ['closed', 'silent'] as const) rows.push(...(await oneOfTwo(death, port)))
  print(`One of two servers dead, ${ROUNDS} rounds of ${LOOKUPS} lookups, ${IN_FLIGHT} in flight`, rows)
  const dead = [...(await all('closed')), ...(await all('silent'))]
  print(`All servers dead, ${MESSAGES} messages to ${DOMAINS} domains at once`, dead)
}
