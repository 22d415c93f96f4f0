/**
 * What Haraka works to deliver a message of its own queue, beside a Haraka whose only `get_mx` is one constant line (the floor) and
 * one without such a plugin (stock):
 *
 *     npm run bench -- drain -- [MESSAGES] [ROUNDS]
 *
 * Real Haraka, real SMTP, a scripted name server on loopback. All contenders run at once, and their batches take turns: each is compared
 * with the floor of its own round, and the half of the rounds around the median is shown, which a disturbed round does not move. The rate
 * is what this machine reaches with the server that takes the mail on the same processors. A round takes as long as its messages need, 4
 * contenders one after the other: for 20,000 messages one round is enough (`drain -- 20000 1`). MX hosts have port 25, so it needs the right
 * to listen there. LOGLEVEL=INFO writes what Haraka and this plugin say at that level.
 */
import { a, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import type { HarakaOptions } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'
import { type Drain, DrainServer } from './drain-server'
import { writeOne } from './queue-copies'
import { alternate, median, print, type Row, showMiddleHalf } from './support'

const MESSAGES = Number(process.argv[2] ?? 1_000)
const ROUNDS = Number(process.argv[3] ?? 12)
/** Before the first round: V8 compiles the code of a message for its first 8,000 messages, in threads of the same process. */
const WARM_UP_BATCHES = 8
const WARM_UP_MESSAGES = 1_000
const HOST = '127.0.25.1'
/** The most processor time a message, as a part of the floor. */
const GOAL = 1.1

const FLOOR = `exports.hook_get_mx = (next) => next(OK, { exchange: '${HOST}', port: 25 })`
/** Haraka's own resolver, which asks the name servers of the system, asks that of the benchmark. */
const STOCK = `
exports.register = () => require(process.env.DNS_CONFIG).getDnsResolver().setServers([process.env.DNS_SERVER])
`

type Name = 'floor' | 'stock' | 'direct' | 'relay'

/** The contenders: to which domain, with which plugins. */
async function startAll(zone: ZoneServer, sink: Sink): Promise<Record<Name, DrainServer>> {
  const common: Omit<HarakaOptions, 'overrides'> = {
    loglevel: process.env.LOGLEVEL ?? 'NOTICE',
    outbound: ['temp_fail_intervals=5s*10', 'local_mx_ok=true', 'concurrency_max=50'],
  }
  const server = `127.0.0.1:${zone.port}`
  const withPlugin = (name: string, source: string): HarakaOptions => ({
    ...common,
    overrides: '',
    plugins: { [name]: source },
    files: { 'config/plugins': `relay-all\n${name}\n` },
    env: {
      DNS_SERVER: server,
      DNS_CONFIG: require.resolve('haraka-net-utils/lib/dns_config'),
    },
  })
  const own: HarakaOptions = {
    ...common,
    overrides: `dns_servers = ${server}\n[overrides]\nrelay.example ${HOST}:25\n`,
  }
  const direct = await writeOne('u@direct.example')
  const relay = await writeOne('u@relay.example')
  return {
    floor: await DrainServer.start({
      zone,
      sink,
      file: direct,
      options: withPlugin('floor', FLOOR),
    }),
    stock: await DrainServer.start({
      zone,
      sink,
      file: direct,
      options: withPlugin('stock', STOCK),
    }),
    direct: await DrainServer.start({ zone, sink, file: direct, options: own }),
    relay: await DrainServer.start({ zone, sink, file: relay, options: own }),
  }
}

interface Result {
  readonly name: Name
  readonly drains: readonly Drain[]
  /** Those of the floor in the same rounds. */
  readonly floors: readonly Drain[]
  /** Megabytes, after all of them. */
  readonly heap: number
}

function describeResult({ name, drains, floors, heap }: Result): Row {
  // Each round beside the floor of the same round: what else the machine does falls on both.
  const ratios = drains.map(({ cpu }, round) => cpu / floors[round]!.cpu)
  const of = (key: keyof Drain) => median(drains.map((each) => each[key]))
  const value =
    `${of('cpu').toFixed(0)} us, x ${showMiddleHalf(ratios)}, ` +
    `${of('rate').toFixed(0)}/s, ${of('queries')} queries, ${heap.toFixed(1)} MB`
  if (name === 'floor' || name === 'stock') return { what: name, value }
  return { what: name, value, goal: `x ${GOAL}`, met: median(ratios) <= GOAL }
}

async function main(): Promise<void> {
  const zone = await startZone({
    'direct.example': [mx(10, 'mx.example')],
    'mx.example': [a(HOST)],
  })
  const sink = await startSink({ host: HOST, port: 25 })
  const servers = await startAll(zone, sink)
  try {
    const drainAll = (count: number) => ({
      floor: () => servers.floor.drain(count),
      stock: () => servers.stock.drain(count),
      direct: () => servers.direct.drain(count),
      relay: () => servers.relay.drain(count),
    })
    await alternate(WARM_UP_BATCHES, drainAll(WARM_UP_MESSAGES), 0)
    const results = await alternate(ROUNDS, drainAll(MESSAGES), 0)
    const rows: Row[] = []
    for (const name of ['floor', 'stock', 'direct', 'relay'] as const) {
      const heap = await servers[name].measureHeap()
      rows.push(
        describeResult({
          name,
          drains: results[name],
          floors: results.floor,
          heap,
        }),
      )
    }
    print(
      `Haraka's queue, ${ROUNDS} rounds of ${MESSAGES}: processor time a message, beside the floor, rate, DNS, heap`,
      rows,
    )
  } finally {
    for (const server of Object.values(servers)) await server.close()
    await sink.close()
    await zone.stop()
  }
}

void main()
