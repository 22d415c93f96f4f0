/**
 * What one more costs when there are many already: lines of the file, names that DNS has answered, servers that mail goes to.
 *
 *     npm run bench -- growth
 *
 * Bytes are those of the heap after a collection; times are processor time. What a message costs that waits: `waiting`.
 */
import { AnswerCache } from '../../lib/dns/cache'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { isUnavailable } from '../../lib/relays/types'
import { decide } from '../../lib/rules/decide'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { atOnce, localRelayState } from '../support/relay-state'
import { configure } from '../support/rules'
import { relayExchange } from '../support/servers'
import { costOf, garbageCollector, print, type Row } from './support'

/** Uses of each size. */
const USES = 100_000
/** The most that a use may cost among ten times as many: a search that goes through all of them would cost ten times as much. */
const GOAL = 8

/** So many things, held by `held`. */
interface Filled {
  readonly held: unknown
  /** Uses one of them. */
  readonly use: (index: number) => void
}

interface Growth {
  readonly what: string
  readonly sizes: readonly number[]
  readonly fill: (count: number) => Filled
}

function fillLines(count: number): Filled {
  const lines = Array.from(
    { length: count },
    (_, n) => `d${n}.example smtp${n % 7}.isp.example:587 $retries<9`,
  )
  const { rules } = configure(lines.join('\n'))
  const message = { ...BLANK_MESSAGE, domain: '' }
  return {
    held: rules,
    use(index) {
      message.domain = `d${index}.example`
      if (typeof decide(rules, message, {}) === 'string') throw new Error('another decision')
    },
  }
}

function fillCache(count: number): Filled {
  const cache = new AnswerCache({ ...DNS_DEFAULTS, size: count })
  for (let n = 0; n < count; n++) {
    const records = [{ priority: 10, exchange: `mx.d${n}.example` }]
    cache.put(
      'MX',
      `d${n}.example`,
      { content: { kind: 'records', records }, server: '192.0.2.53#53', ttlSeconds: 60 },
      0,
    )
  }
  return {
    held: cache,
    use(index) {
      if (cache.get('MX', `d${index}.example`, 1) === undefined) throw new Error('an answer is gone')
    },
  }
}

/** Servers with a limit, each with its part of the configuration. Each has sent a message. */
function fillServers(count: number): Filled {
  const state = localRelayState()
  const servers = Array.from({ length: count }, (_, n) =>
    relayExchange({ host: `smtp${n}.isp.example`, maxConnections: 10 }),
  )
  const use = (index: number) => {
    const place = atOnce(state.acquire(servers[index]!))
    if (isUnavailable(place)) throw new Error(place.message)
    place.reportSuccess()
    place.end(true)
  }
  for (let n = 0; n < count; n++) use(n)
  return { held: [state, servers], use }
}

const GROWTHS: readonly Growth[] = [
  { what: 'lines', sizes: [1_000, 10_000, 100_000], fill: fillLines },
  { what: 'names in the cache', sizes: [1_000, 10_000, 100_000, 1_000_000], fill: fillCache },
  { what: 'servers', sizes: [100, 1_000, 10_000], fill: fillServers },
]

const collect = garbageCollector()

const heapUsed = () => {
  collect()
  return process.memoryUsage().heapUsed
}

async function measure({ what, sizes, fill }: Growth): Promise<void> {
  fill(sizes[0]!)
  const rows: Row[] = []
  let before: number | undefined
  for (const size of sizes) {
    const empty = heapUsed()
    let filled: Filled | undefined
    const made = await costOf(() => void (filled = fill(size)))
    const bytes = (heapUsed() - empty) / size
    const useAll = () => {
      // In steps that are prime to each size: neighbours in memory are not neighbours in time.
      for (let n = 0; n < USES; n++) filled!.use((n * 7_919) % size)
    }
    useAll()
    const use = (await costOf(useAll)).cpu / USES
    const value = `${bytes.toFixed(0)} bytes, ${(made.cpu / size).toFixed(2)} us to make, ${use.toFixed(2)} us to use`
    rows.push({
      what: `${size}`,
      value,
      ...(before === undefined ? {} : { goal: `a use at most x ${GOAL}`, met: use / before <= GOAL }),
    })
    before = use
  }
  print(`${what}: each one`, rows)
}

async function main(): Promise<void> {
  for (const growth of GROWTHS) await measure(growth)
}

void main()
