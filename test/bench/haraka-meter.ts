/** Says from inside a process of Haraka what it works, keeps and how long its event loop stood still. */
import type { HarakaServer } from '../support/haraka-server'

/** What a process says of itself. */
export interface Reading {
  /** User and system time since its start, all its threads, without what the meter itself works. Microseconds. */
  readonly cpu: number
  /** Megabytes in use after a collection. */
  readonly heap: number
  /** Megabytes of the whole process, after the collection. */
  readonly rss: number
  /** The longest time since the last reading in which the event loop had no turn, milliseconds. */
  readonly stall: number
}

/** The name of the plugin. */
export const METER = 'meter'

/** Timers of the measuring itself are due once a millisecond: a turn that is not late takes so long. */
const RESOLUTION_MS = 1

/** A plugin of Haraka that answers SIGUSR2 with a line of the log. */
export const METER_PLUGIN = `
const { setFlagsFromString } = require('node:v8')
const { monitorEventLoopDelay } = require('node:perf_hooks')
setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
const loop = monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} })
let own = 0
const worked = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
exports.register = function () {
  loop.enable()
  process.on('SIGUSR2', () => {
    const begin = worked()
    const stall = loop.max / 1e6
    for (let i = 0; i < 3; i++) gc()
    const { heapUsed, rss } = process.memoryUsage()
    this.lognotice('${METER} ' + JSON.stringify({
      pid: process.pid, cpu: begin - own, heap: heapUsed / 1e6, rss: rss / 1e6, stall,
    }))
    own += worked() - begin
    // The collection is no stall of what is measured: it is left out when the loop has turned.
    setTimeout(() => loop.reset(), 20)
  })
}
`

/** Reads the meter of a process of Haraka: its only one, or the worker with this id. */
export async function readMeter(haraka: HarakaServer, pid: number = haraka.pid): Promise<Reading> {
  const mark = haraka.mark()
  process.kill(pid, 'SIGUSR2')
  const line = await haraka.waitForLog(new RegExp(`${METER} {"pid":${pid},`), mark, 120_000)
  return JSON.parse(line.slice(line.indexOf('{'))) as Reading
}
