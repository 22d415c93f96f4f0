/**
 * What a message costs that one, two and four workers take and deliver, beside a Haraka whose only `get_mx` is one constant line:
 *
 *     npm run bench -- workers -- [MESSAGES]
 *
 * Processor time of all processes of Haraka (Linux: /proc). The server that takes the mail is a process of its own that knows just
 * enough SMTP, so that it is not the limit: its part of the time is printed. The rate is that of this machine with all on it.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { alternate, median, print, type Row, showRange } from './support'

const MESSAGES = Number(process.argv[2] ?? 400)
const ROUNDS = 5
const CLIENTS = 16
const WORKERS = [1, 2, 4] as const
/** Microseconds of a tick of /proc/PID/stat (proc(5)). */
const TICK_US = 10_000

/** The fields of /proc/PID/stat from the third on; undefined: the process is gone. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

/** User and system time of a process, and of its children that still run, microseconds. */
function timeOf(root: number): number {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const stats = pids.map((pid) => ({ pid, fields: statOf(pid) }))
  const ours = stats.filter(({ pid, fields }) => pid === root || Number(fields?.[1]) === root)
  return ours.reduce((sum, { fields = [] }) => sum + Number(fields[11]) + Number(fields[12]), 0) * TICK_US
}

/** A process that takes all mail. */
class QuickSink {
  readonly #process: ChildProcess
  readonly port: number
  #taken = 0
  #onTaken = () => {}

  private constructor(process: ChildProcess, port: number) {
    this.#process = process
    this.port = port
    process.on('message', (count: number) => {
      this.#taken += count
      this.#onTaken()
    })
  }

  static async start(): Promise<QuickSink> {
    const child = fork(join(__dirname, 'quick-sink.js'))
    const [port] = (await once(child, 'message')) as [number]
    return new QuickSink(child, port)
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** When so many more have been taken. */
  async whenTaken(count: number): Promise<void> {
    const wanted = this.#taken + count
    await new Promise<void>((resolve) => {
      this.#onTaken = () => {
        if (this.#taken >= wanted) resolve()
      }
    })
  }

  close(): void {
    this.#process.disconnect()
  }
}

interface Batch {
  /** Microseconds a message, of Haraka and of the sink. */
  readonly cpu: number
  readonly sink: number
  /** Messages a second. */
  readonly rate: number
}

async function sendBatch(haraka: HarakaServer, sink: QuickSink): Promise<Batch> {
  const before = [timeOf(haraka.pid), timeOf(sink.pid)] as const
  const began = performance.now()
  const taken = sink.whenTaken(MESSAGES)
  let left = MESSAGES
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await SmtpClient.open(haraka.port)
      while (left-- > 0) await client.send({ to: 'u@relay.example' })
      await client.quit()
    }),
  )
  await taken
  const seconds = (performance.now() - began) / 1000
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  return {
    cpu: (timeOf(haraka.pid) - before[0]) / MESSAGES,
    sink: (timeOf(sink.pid) - before[1]) / MESSAGES,
    rate: MESSAGES / seconds,
  }
}

async function compare(nodes: number, sink: QuickSink): Promise<Row> {
  const common = { nodes, loglevel: 'NOTICE' } satisfies Partial<HarakaOptions>
  const floor = await HarakaServer.start({
    ...common,
    overrides: '',
    plugins: {
      floor: `exports.hook_get_mx = (next) => next(OK, { exchange: '127.0.0.1', port: ${sink.port} })`,
    },
    files: { 'config/plugins': 'relay-all\nfloor\n' },
  })
  const own = await HarakaServer.start({ ...common, overrides: `relay.example 127.0.0.1:${sink.port}` })
  try {
    const batches = await alternate(ROUNDS, {
      floor: () => sendBatch(floor, sink),
      own: () => sendBatch(own, sink),
    })
    const of = (list: readonly Batch[], key: keyof Batch) => median(list.map((each) => each[key]))
    const ratios = batches.own.map(({ cpu }, round) => cpu / batches.floor[round]!.cpu)
    const rates = `${of(batches.own, 'rate').toFixed(0)}/s beside ${of(batches.floor, 'rate').toFixed(0)}/s`
    return {
      what: `${nodes}`,
      value: `${of(batches.own, 'cpu').toFixed(0)} us, x ${showRange(ratios)}, ${rates}, sink ${of(batches.own, 'sink').toFixed(0)} us`,
    }
  } finally {
    await floor.close()
    await own.close()
  }
}

async function main(): Promise<void> {
  const sink = await QuickSink.start()
  const rows: Row[] = []
  try {
    for (const nodes of WORKERS) rows.push(await compare(nodes, sink))
  } finally {
    sink.close()
  }
  print(
    `Workers, ${ROUNDS} rounds of ${MESSAGES}: processor time a message taken and delivered, beside the floor, rate`,
    rows,
  )
}

void main()
