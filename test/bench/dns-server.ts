/**
 * The name server of the benchmarks, in a process of its own: knotd, or where that is not installed a scripted one in Node
 * (slower, so that rates say less; processor time is that of the client either way).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startScripted } from '../support/dns-scripted'
import { startKnot } from '../support/dns-servers'
import { aaaaRecord, aRecord, FLAGS, mxRecord, optRecord, TYPES, type WireRecord } from '../support/dns-wire'
import { findProgram } from '../support/programs'

export const ZONE = 'bench.example'
/**
 * Every name below these has so many MX hosts, each with an A and an AAAA. The hosts are of another zone: the answer has no additional
 * records, as that of a recursive server. Those of FIVE_WITH_ADDRESSES bring the addresses along.
 */
export const TWO = `two.${ZONE}`
export const FIVE = `five.${ZONE}`
export const FIVE_WITH_ADDRESSES = `addresses.${ZONE}`
const HOST_ZONE = 'hosts.example'

export interface BenchServer {
  readonly program: string
  readonly port: number
  stop(): Promise<void>
}

const HOSTS = [1, 2, 3, 4, 5] as const

export async function startBenchServer(): Promise<BenchServer> {
  return findProgram('knotd') === undefined ? startChild() : startKnotd()
}

async function startKnotd(): Promise<BenchServer> {
  const mx = (zone: string, count: number, hosts: string): string[] =>
    HOSTS.slice(0, count).map((n) => `*.${zone} MX ${n}0 mx${n}${hosts}`)
  const addresses = HOSTS.flatMap((n) => [`mx${n} A 127.0.0.${n}`, `mx${n} AAAA ::${n}`])
  const sets = [
    ...mx('two', 2, `.${HOST_ZONE}.`),
    ...mx('five', 5, `.${HOST_ZONE}.`),
    ...mx('addresses', 5, ''),
    ...addresses,
  ]
  const knot = await startKnot({ [ZONE]: sets.join('\n'), [HOST_ZONE]: addresses.join('\n') })
  return { program: 'knotd', port: knot.port, stop: () => knot.stop() }
}

async function startChild(): Promise<BenchServer> {
  const child = fork(__filename)
  const [port] = (await once(child, 'message')) as [number]
  return {
    program: 'scripted server',
    port,
    async stop() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

async function serve(): Promise<void> {
  const { port, stop } = await startScripted((query) => {
    const flags = FLAGS.QR | FLAGS.AA | FLAGS.RD
    const additionals = query.ednsSize === undefined ? [] : [optRecord()]
    const host = Number(/^mx(\d)\./.exec(query.name)?.[1] ?? 0)
    const addresses = (n: number): WireRecord[] => [
      aRecord(`mx${n}.${HOST_ZONE}`, `127.0.0.${n}`),
      aaaaRecord(`mx${n}.${HOST_ZONE}`, `::${n}`),
    ]
    const hosts = HOSTS.slice(0, query.name.endsWith(`.${TWO}`) ? 2 : 5)
    const answers =
      query.type === TYPES.MX
        ? hosts.map((n) => mxRecord(query.name, n * 10, `mx${n}.${HOST_ZONE}`))
        : addresses(host).filter(({ type }) => type === query.type)
    if (query.name.endsWith(FIVE_WITH_ADDRESSES)) additionals.push(...hosts.flatMap(addresses))
    query.reply({ flags, answers, additionals })
  })
  process.once('disconnect', () => void stop())
  process.send?.(port)
}

if (require.main === module) void serve()
