/**
 * What a message costs that waits in Haraka: for a relay that is full (`max_connections`), beside a Haraka whose only `get_mx` defers
 * everything (the floor), so that its own queue keeps the messages:
 *
 *     npm run bench -- waiting -- [MESSAGES]
 *
 * 20,000 messages by default; the goals are those of 100,000, which takes minutes. Real Haraka; the relay takes one message and never
 * says that it has it. Intervals are those that Haraka has by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'
import { METER, METER_PLUGIN, readMeter } from './haraka-meter'
import { fillQueue, type QueueFile, writeOne } from './queue-copies'
import { print } from './support'

const MESSAGES = Number(process.argv[2] ?? 20_000)
const STEPS = [0.1, 1] as const
/** Longer than the first interval of Haraka, after which a message is looked at again. */
const WATCH_MS = 70_000
const PATIENCE_MS = 20 * 60_000
const LATER = `exports.hook_get_mx = (next) => next(DENYSOFT, 'later')`
const GOAL = { megabytes: 500, core: 0.01, messages: 100_000 }

interface Waiting {
  readonly rss: number
  /** Bytes a message on the heap. */
  readonly bytes: number
  /** Microseconds a message until it waits. */
  readonly arrival: number
  /** Part of a core, while nothing else happens. */
  readonly core: number
}

/** A Haraka with so many messages that wait, and without. */
async function measure(options: HarakaOptions, file: QueueFile, isWaiting: RegExp): Promise<Waiting> {
  const heaps: number[] = []
  let last: Omit<Waiting, 'bytes'> | undefined
  for (const part of STEPS) {
    const count = Math.round(MESSAGES * part)
    const haraka = HarakaServer.install(options)
    try {
      fillQueue(haraka.folder, file, count)
      await haraka.restart()
      const start = await readMeter(haraka)
      const waits = () => haraka.lines(isWaiting).length >= count - 1
      await haraka.waitFor(waits, `${count} messages that wait`, [], PATIENCE_MS)
      const { heap, rss, cpu } = await readMeter(haraka)
      heaps.push(heap)
      if (part < 1) continue
      const from = performance.now()
      await sleep(WATCH_MS)
      const after = await readMeter(haraka)
      const core = (after.cpu - cpu) / 1000 / (performance.now() - from)
      last = { rss, core, arrival: (cpu - start.cpu) / count }
    } finally {
      await haraka.close()
    }
  }
  const [few = 0, many = 0] = heaps
  return { ...last!, bytes: ((many - few) * 1e6) / (MESSAGES * (STEPS[1] - STEPS[0])) }
}

async function main(): Promise<void> {
  const sink = await startSink({
    answer: (stage) => (stage === 'data' ? new Promise<undefined>(() => {}) : undefined),
  })
  const file = await writeOne('u@relay.example')
  const common: HarakaOptions = { loglevel: 'NOTICE', outbound: [], overrides: '', nodes: 0 }
  const floor = await measure(
    {
      ...common,
      plugins: { later: LATER, [METER]: METER_PLUGIN },
      files: { 'config/plugins': `relay-all\nlater\n${METER}\n` },
    },
    file,
    /temp_fail|later/i,
  )
  const own = await measure(
    {
      ...common,
      overrides: [
        '* @full',
        '[relay:full]',
        'host = 127.0.0.1',
        `port = ${sink.port}`,
        'max_connections = 1',
      ].join('\n'),
      plugins: { [METER]: METER_PLUGIN },
    },
    file,
    /waiting \d+ s, not counted as an attempt/,
  )
  await sink.close()
  const rowsOf = (name: string, { rss, bytes, arrival, core }: Waiting) => [
    { what: `${name}: bytes a message on the heap`, value: bytes.toFixed(0) },
    { what: `${name}: the whole process`, value: `${rss.toFixed(0)} MB` },
    { what: `${name}: processor time until a message waits`, value: `${arrival.toFixed(0)} us` },
    { what: `${name}: of a core while they wait`, value: `${(core * 100).toFixed(2)} %` },
  ]
  const isFull = MESSAGES >= GOAL.messages
  print(`${MESSAGES} messages wait`, [
    ...rowsOf('deferred by one line of get_mx', floor),
    ...rowsOf('for a relay that is full', own),
    {
      what: 'for a relay that is full: memory and core',
      value: `${own.rss.toFixed(0)} MB, ${(own.core * 100).toFixed(2)} %`,
      goal: `of ${GOAL.messages}: below ${GOAL.megabytes} MB, ${GOAL.core * 100} %`,
      ...(isFull ? { met: own.rss < GOAL.megabytes && own.core < GOAL.core } : {}),
    },
  ])
}

void main()
