/**
 * Says from inside a process of Haraka what it works and keeps. Nothing runs between two readings: to watch the event loop once a
 * millisecond would take 1 to 5 % of a processor, more than what is measured.
 */
import type { HarakaServer } from '../support/haraka-server'

/** What a process says of itself. */
export interface Reading {
  /** User and system time since its start, all its threads, without what the meter itself works. Microseconds. */
  readonly cpu: number
  /** Megabytes in use after a collection. */
  readonly heap: number
  /** Megabytes of the whole process, after the collection. */
  readonly rss: number
}

/** The name of the plugin. */
export const METER = 'meter'

/** A plugin of Haraka that answers SIGUSR2 with a line of the log. */
export const METER_PLUGIN = `
const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
let own = 0
const worked = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
exports.register = function () {
  process.on('SIGUSR2', () => {
    const begin = worked()
    for (let i = 0; i < 3; i++) gc()
    const { heapUsed, rss } = process.memoryUsage()
    this.lognotice('${METER} ' + JSON.stringify({
      pid: process.pid, cpu: begin - own, heap: heapUsed / 1e6, rss: rss / 1e6,
    }))
    own += worked() - begin
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
