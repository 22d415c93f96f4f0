/**
 * The name server of the benchmarks, in a process of its own: knotd, or where that is not installed a scripted one in Node
 * (slower, so that rates say less; processor time is that of the client either way).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startScripted } from '../support/dns-scripted'
import { startKnot } from '../support/dns-servers'
import { aaaaRecord, aRecord, FLAGS, mxRecord, optRecord, soaRecord, TYPES } from '../support/dns-wire'
import { findProgram } from '../support/programs'

export const ZONE = 'bench.example'
/** Every name below these has so many MX hosts, each with an A and an AAAA. */
export const TWO = `two.${ZONE}`
export const FIVE = `five.${ZONE}`

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
  const mx = (zone: string, count: number): string[] =>
    HOSTS.slice(0, count).map((n) => `*.${zone} MX ${n}0 mx${n}.hosts`)
  const addresses = HOSTS.flatMap((n) => [`mx${n}.hosts A 127.0.0.${n}`, `mx${n}.hosts AAAA ::${n}`])
  const knot = await startKnot({ [ZONE]: [...mx('two', 2), ...mx('five', 5), ...addresses].join('\n') })
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
    const host = Number(/^mx(\d)\.hosts\./.exec(query.name)?.[1] ?? 0)
    const count = query.name.endsWith(`.${TWO}`) ? 2 : query.name.endsWith(`.${FIVE}`) ? 5 : 0
    const answers =
      query.type === TYPES.MX
        ? HOSTS.slice(0, count).map((n) => mxRecord(query.name, n * 10, `mx${n}.hosts.${ZONE}`))
        : host === 0
          ? []
          : query.type === TYPES.A
            ? [aRecord(query.name, `127.0.0.${host}`)]
            : [aaaaRecord(query.name, `::${host}`)]
    const authorities = answers.length > 0 ? [] : [soaRecord(ZONE, 60)]
    query.reply({ flags, answers, authorities, additionals })
  })
  process.once('disconnect', () => void stop())
  process.send?.(port)
}

if (require.main === module) void serve()
