/** A real Haraka that delivers one batch of queued messages after the other, and says what it has worked for each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import type { Sink } from '../support/smtp-sink'
import type { ZoneServer } from '../support/dns-scripted'
import { fillQueue, type QueueFile } from './queue-copies'

/** What a batch was. */
export interface Drain {
  /** Microseconds of processor time of a message: user and system time of Haraka's process, all its threads. */
  readonly cpu: number
  /** Messages a second. */
  readonly rate: number
  /** DNS queries. */
  readonly queries: number
}

/** Until the last connection is closed, milliseconds. */
const REST_MS = 500
/** The longest that a batch may take, and each message of it. Milliseconds. */
const PATIENCE_MS = 60_000
const MESSAGE_MS = 50

/**
 * Says when Haraka has read its queue folder at its start, so that what comes later is not read twice. On SIGUSR2: says how long the
 * process has worked, in microseconds. On SIGCONT: reads the queue folder again. On SIGWINCH: says how many bytes are in use after the
 * garbage is collected. Not with each batch: a few full collections make V8 throw compiled code away, and what is measured then is
 * compilation.
 */
const METER = `
const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
exports.hook_init_master = function (next) {
  const queue = this.haraka_require('outbound/queue')
  const load = queue.load_queue_files
  queue.load_queue_files = async (...parameters) => {
    const files = await load(...parameters)
    this.lognotice('meter: the queue is read')
    return files
  }
  process.on('SIGUSR2', () => {
    const { user, system } = process.cpuUsage()
    this.lognotice('meter ' + (user + system))
  })
  process.on('SIGWINCH', () => {
    for (let i = 0; i < 3; i++) gc()
    this.lognotice('meter ' + process.memoryUsage().heapUsed)
  })
  process.on('SIGCONT', () => queue.init_queue())
  next()
}
`

export interface DrainServerParts {
  readonly options: HarakaOptions
  /** What is copied into the queue. */
  readonly file: QueueFile
  readonly sink: Sink
  readonly zone: ZoneServer
}

/**
 * All batches go through the same process: start and compilation are paid in the first ones. What a batch costs includes reading the
 * queue files, for a message that comes by SMTP is made just so.
 */
export class DrainServer {
  readonly #parts: DrainServerParts
  readonly #haraka: HarakaServer

  private constructor(parts: DrainServerParts, haraka: HarakaServer) {
    this.#parts = parts
    this.#haraka = haraka
  }

  static async start(parts: DrainServerParts): Promise<DrainServer> {
    const { options } = parts
    const { 'config/plugins': list = 'relay-all\ndns-overrides\n' } = options.files ?? {}
    const haraka = await HarakaServer.start({
      ...options,
      plugins: { ...options.plugins, meter: METER },
      files: { ...options.files, 'config/plugins': `${list}meter\n` },
    })
    await haraka.waitForLog(/meter: the queue is read/)
    return new DrainServer(parts, haraka)
  }

  /** Delivers so many messages. */
  async drain(count: number): Promise<Drain> {
    const { file, sink, zone } = this.#parts
    fillQueue(this.#haraka.folder, file, count)
    const asked = zone.asked.length
    const taken = this.#whenTaken(sink, count)
    const from = await this.#readMeter('SIGUSR2')
    const began = performance.now()
    process.kill(this.#haraka.pid, 'SIGCONT')
    await taken
    const seconds = (performance.now() - began) / 1000
    await this.#haraka.waitFor(() => this.#haraka.queueFiles().length === 0, 'an empty queue')
    await sleep(REST_MS)
    const to = await this.#readMeter('SIGUSR2')
    return {
      cpu: (to - from) / count,
      rate: count / seconds,
      queries: zone.asked.length - asked,
    }
  }

  /** Megabytes in use on the heap. */
  async measureHeap(): Promise<number> {
    return (await this.#readMeter('SIGWINCH')) / 1e6
  }

  async close(): Promise<void> {
    await this.#haraka.close()
  }

  /** When the sink has taken so many more. */
  async #whenTaken(sink: Sink, count: number): Promise<void> {
    const wanted = sink.received.length + count
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`only ${sink.received.length - wanted + count} of ${count} came`))
      const timer = setTimeout(fail, PATIENCE_MS + count * MESSAGE_MS)
      sink.onReceived(() => {
        if (sink.received.length !== wanted) return
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async #readMeter(signal: NodeJS.Signals): Promise<number> {
    const mark = this.#haraka.mark()
    process.kill(this.#haraka.pid, signal)
    const line = await this.#haraka.waitForLog(/meter \d+/, mark)
    return Number(/meter (\d+)/.exec(line)![1])
  }
}
