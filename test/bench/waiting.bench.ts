/**
 * What a message costs that waits in Haraka: for a relay that is full (`max_connections`), beside a Haraka whose only `get_mx` defers
 * everything (the floor), so that its own queue keeps the messages:
 *
 *     npm run bench -- waiting -- [MESSAGES]
 *
 * 20,000 messages by default; the goals are those of 100,000, which takes minutes. Real Haraka; the relay takes one message and never
 * says that it has it. Intervals are those that Haraka has by itself.
 *
 * Haraka reads a queue folder at once, 10,000 messages at a time. With `mx_sending_threads` it reads them a few at a time, which leaves
 * as little garbage as messages that come one after the other.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'
import { METER, METER_PLUGIN, readMeter } from './haraka-meter'
import { fillQueue, type QueueFile, writeOne } from './queue-copies'
import { print, type Row } from './support'

const MESSAGES = Number(process.argv[2] ?? 20_000)
/** Of so many messages, beside all of them, the memory is read too: the difference is what a message takes. */
const FEW = MESSAGES / 10
/** Longer than the first interval of Haraka, after which a message is looked at again. */
const WATCH_MS = 70_000
const PATIENCE_MS = 20 * 60_000
const LATER = `exports.hook_get_mx = (next) => next(DENYSOFT, 'later')`
const FEW_AT_A_TIME = 'mx_sending_threads = 100'
const GOAL = { megabytes: 500, core: 0.01, messages: 100_000 }

interface Waiting {
  /** Of the process, megabytes: when the last message has begun to wait, and at the end. */
  readonly rss: readonly [number, number]
  /** On the heap, megabytes. */
  readonly heap: number
  /** Microseconds a message until it waits. */
  readonly arrival: number
  /** Part of a core, while nothing else happens. */
  readonly core: number
}

interface Contender {
  readonly options: HarakaOptions
  readonly file: QueueFile
  /** The line of a message that waits. */
  readonly isWaiting: RegExp
}

/** Counts the lines of the log that match and were not counted yet: a log of 100,000 lines is read once. */
function createLineCounter(haraka: HarakaServer, pattern: RegExp): () => number {
  let read = 0
  return () => {
    const text = haraka.since(read)
    const complete = text.slice(0, text.lastIndexOf('\n') + 1)
    read += complete.length
    return complete.split('\n').filter((line) => pattern.test(line)).length
  }
}

/** A Haraka with so many messages that wait. */
async function measure(
  count: number,
  watchMs: number,
  { options, file, isWaiting }: Contender,
): Promise<Waiting> {
  const haraka = HarakaServer.install(options)
  try {
    fillQueue(haraka.folder, file, count)
    await haraka.restart()
    const start = await readMeter(haraka)
    const countNew = createLineCounter(haraka, isWaiting)
    let waiting = 0
    const doAllWait = () => (waiting += countNew()) >= count - 1
    await haraka.waitFor(doAllWait, `${count} messages that wait`, [], PATIENCE_MS)
    const { heap, rss, cpu } = await readMeter(haraka)
    const from = performance.now()
    await sleep(watchMs)
    const after = await readMeter(haraka)
    const core = (after.cpu - cpu) / 1000 / (performance.now() - from)
    return { rss: [rss, after.rss], heap, core, arrival: (cpu - start.cpu) / count }
  } finally {
    await haraka.close()
  }
}

async function main(): Promise<void> {
  const sink = await startSink({
    answer: (stage) => (stage === 'data' ? new Promise<undefined>(() => {}) : undefined),
  })
  const file = await writeOne('u@relay.example')
  const common = { loglevel: 'NOTICE', outbound: [], nodes: 0 } as const
  const floor: Contender = {
    options: {
      ...common,
      overrides: '',
      plugins: { later: LATER, [METER]: METER_PLUGIN },
      files: { 'config/plugins': `relay-all\nlater\n${METER}\n` },
    },
    file,
    isWaiting: /temp_fail|later/i,
  }
  const full = (...settings: string[]): Contender => ({
    options: {
      ...common,
      overrides: [
        ...settings,
        '* @full',
        '[relay:full]',
        'host = 127.0.0.1',
        `port = ${sink.port}`,
        'max_connections = 1',
      ].join('\n'),
      plugins: { [METER]: METER_PLUGIN },
    },
    file,
    isWaiting: /waiting \d+ s, not counted as an attempt/,
  })
  const measureRows = async (name: string, contender: Contender): Promise<[Waiting, Row[]]> => {
    const few = await measure(FEW, 0, contender)
    const all = await measure(MESSAGES, WATCH_MS, contender)
    const bytes = ((all.heap - few.heap) * 1e6) / (MESSAGES - FEW)
    const megabytes = all.rss.map((rss) => rss.toFixed(0)).join(', at the end ')
    return [
      all,
      [
        { what: `${name}: bytes a message on the heap`, value: bytes.toFixed(0) },
        { what: `${name}: the whole process`, value: `${megabytes} MB` },
        { what: `${name}: processor time until a message waits`, value: `${all.arrival.toFixed(0)} us` },
        { what: `${name}: of a core while they wait`, value: `${(all.core * 100).toFixed(2)} %` },
      ],
    ]
  }
  const [, floorRows] = await measureRows('deferred by one line of get_mx', floor)
  const [, atOnceRows] = await measureRows('for a full relay, read at once', full())
  const [own, ownRows] = await measureRows('for a full relay, read a few at a time', full(FEW_AT_A_TIME))
  await sink.close()
  const [, rss] = own.rss
  const isFull = MESSAGES >= GOAL.messages
  print(`${MESSAGES} messages wait`, [
    ...floorRows,
    ...atOnceRows,
    ...ownRows,
    {
      what: 'for a full relay, read a few at a time: memory and core',
      value: `${rss.toFixed(0)} MB, ${(own.core * 100).toFixed(2)} %`,
      goal: `of ${GOAL.messages}: below ${GOAL.megabytes} MB, ${GOAL.core * 100} %`,
      ...(isFull ? { met: rss < GOAL.megabytes && own.core < GOAL.core } : {}),
    },
  ])
}

void main()
