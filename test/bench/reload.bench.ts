/**
 * How long Haraka's event loop stands still at most while it delivers mail and reads 100,000 lines again, beside the same mail without a
 * reload:
 *
 *     npm run bench -- reload -- [LINES]
 *
 * Real Haraka, real SMTP. What counts of a turn is the processor's time of this thread, so that what else the machine does is left out.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startSink } from '../support/smtp-sink'
import { alternate, median, print, showRange } from './support'
import type { Measured } from './turn-meter'

const LINES = Number(process.argv[2] ?? 100_000)
const ROUNDS = 3
const CLIENTS = 8
const PATH = 'config/dns_overrides.ini'
/** The longest stall beyond that without a reload, milliseconds. */
const GOAL_MS = 5

/** On SIGUSR2 the measurement begins, on SIGWINCH it ends and is logged. */
const METER = `
const { TurnMeter } = require(${JSON.stringify(join(__dirname, 'turn-meter.js'))})
const meter = new TurnMeter()
exports.register = function () {
  process.on('SIGUSR2', () => { meter.begin(); this.lognotice('meter begins') })
  process.on('SIGWINCH', () => void meter.end().then((measured) => this.lognotice('meter ' + JSON.stringify(measured))))
}
`

/** The file; each version has another last line. */
function textOf(port: number, version: number): string {
  const others = Array.from(
    { length: LINES },
    (_, n) =>
      `${n % 2 === 0 ? '' : '*.'}c${n}.example fred:Passw0rd@r${n}.example.net:587 $retries>=2 $priority:5 $end`,
  )
  return [
    'mx_sending_threads = 50',
    '[overrides]',
    `relay.example 127.0.0.1:${port}`,
    ...others,
    `v${version}.example 192.0.2.1`,
  ].join('\n')
}

async function measure(haraka: HarakaServer, work: () => Promise<void>): Promise<Measured> {
  const mark = haraka.mark()
  process.kill(haraka.pid, 'SIGUSR2')
  await haraka.waitForLog(/meter begins/, mark)
  await work()
  process.kill(haraka.pid, 'SIGWINCH')
  const line = await haraka.waitForLog(/meter \{/, mark)
  return JSON.parse(line.slice(line.indexOf('{'))) as Measured
}

/** Sends mail until it is stopped. */
async function startMail(port: number): Promise<() => Promise<void>> {
  const state = { over: false }
  const clients = Array.from({ length: CLIENTS }, async () => {
    const client = await SmtpClient.open(port)
    while (!state.over) await client.send({ to: 'u@relay.example' })
    await client.quit()
  })
  return async () => {
    state.over = true
    await Promise.all(clients)
  }
}

async function main(): Promise<void> {
  const sink = await startSink()
  const haraka = await HarakaServer.start({
    overrides: textOf(sink.port, 0),
    loglevel: 'NOTICE',
    plugins: { meter: METER },
  })
  const stopMail = await startMail(haraka.port)
  try {
    let version = 0
    /** How long a reload has taken, milliseconds. */
    let took = 0
    const reload = async () => {
      const mark = haraka.mark()
      const start = performance.now()
      haraka.write(PATH, textOf(sink.port, ++version))
      await haraka.waitForLog(/is read again and in force/, mark, 60_000)
      took = performance.now() - start
    }
    const turns = await alternate(ROUNDS, {
      reload: () => measure(haraka, reload),
      // As long as the reload before it.
      none: () => measure(haraka, async () => sleep(took)),
    })
    const worst = (runs: readonly Measured[]) =>
      runs.map(({ longest }) => longest.reduce((most, turn) => (turn.cpu > most.cpu ? turn : most)))
    const stalls = (runs: readonly Measured[]) => worst(runs).map(({ cpu }) => cpu)
    const collected = median(worst(turns.reload).map(({ gc }) => gc))
    const [withReload, without] = [stalls(turns.reload), stalls(turns.none)]
    const more = median(withReload) - median(without)
    print(
      `${LINES} lines are read again while mail is delivered, ${ROUNDS} rounds: the longest turn of the event loop`,
      [
        { what: 'without a reload', value: `${showRange(without, 1)} ms` },
        {
          what: 'with one',
          value: `${showRange(withReload, 1)} ms, ${collected.toFixed(1)} of them garbage collection`,
        },
        { what: 'more', value: `${more.toFixed(1)} ms`, goal: `${GOAL_MS} ms`, met: more <= GOAL_MS },
      ],
    )
  } finally {
    await stopMail()
    await haraka.close()
    await sink.close()
  }
}

void main()
