/**
 * How long a page holds the event loop of a real Haraka at one go, with 100,000 lines and 10,000 relays, all of which have been used,
 * and 10,000 messages in the queue:
 *
 *     npm run build:test && node build/test/bench/status-page.bench.js [RELAYS]
 *
 * Goal: 50 ms. What counts is the processor's time of the turn: on a busy machine others have the processor in between.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { SmtpClient } from '../support/smtp-client'
import { fetchUntil, startWithHttp } from '../support/status-server'
import { startSink } from '../support/smtp-sink'
import { print, type Row } from './support'
import type { Measured } from './turn-meter'

const RELAYS = Number(process.argv[2] ?? 10_000)
const LINES_EACH = 10
/** Of so many relays one takes mail; the others do not answer. */
const WORKING = 100
const GOAL_MS = 50
const ROUNDS = 10
/** Recipients of one message that is handed in. */
const BATCH = 50

const PATHS = [
  '/',
  '/?lines=busiest',
  '/?lines=never',
  '/?lines=file&from=50000',
  '/metrics',
  '/health',
  '/?to=u@d77.example',
  '/?id=u@d77.example',
  '/?domain=d7&result=not+delivered',
]

const METER = `
const { TurnMeter } = require(${JSON.stringify(join(__dirname, 'turn-meter.js'))})
exports.hook_init_http = (next, server) => {
  const meter = new TurnMeter()
  server.http.app.use('/meter/begin', (_, response) => { meter.begin(); response.end() })
  server.http.app.use('/meter/end', async (_, response) => response.end(JSON.stringify(await meter.end())))
  next()
}
`

function configuration(port: number): string {
  const number = (relay: number) => (relay % WORKING === 0 ? port : 1)
  return [
    `mx_sending_threads = 100`,
    ...Array.from(
      { length: RELAYS * LINES_EACH },
      (_, i) => `d${i % RELAYS}.example @relay${i % RELAYS} $size<${i + 1}M`,
    ),
    ...Array.from(
      { length: RELAYS },
      (_, i) =>
        `[relay:relay${i}]\nhost = 127.1.${i >> 8}.${i & 255}\nport = ${number(i)}\nmax_per_hour = 1000`,
    ),
  ].join('\n')
}

async function main(): Promise<void> {
  const sink = await startSink()
  const text = configuration(sink.port).replaceAll(/host = .*\n(?=port = (?!1\n))/g, 'host = 127.0.0.1\n')
  const { haraka, root } = await startWithHttp({
    overrides: text,
    loglevel: 'NOTICE',
    outbound: ['temp_fail_intervals=1d', 'local_mx_ok=true'],
    plugins: { meter: METER },
  })
  const client = await SmtpClient.open(haraka.port)
  for (let i = 0; i < RELAYS; i += BATCH) {
    const to = Array.from({ length: Math.min(BATCH, RELAYS - i) }, (_, place) => `u@d${i + place}.example`)
    await client.send({ to })
  }
  await client.quit()
  const tried = () => fetchUntil(`${root}/metrics`, (metrics) => metrics.includes('rules_never_hit 0'))
  for (;;) {
    try {
      await tried()
      break
    } catch {
      // It takes its time.
    }
  }
  await sleep(5_000)

  const meter = root.replace('dns-overrides', 'meter')
  const rows: Row[] = []
  const measure = async (what: string, work: () => Promise<unknown>) => {
    const runs: Measured[] = []
    const walls: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      // Each request its own overview.
      await sleep(700)
      await fetch(`${meter}/begin`)
      const start = performance.now()
      await work()
      walls.push(performance.now() - start)
      runs.push((await (await fetch(`${meter}/end`)).json()) as Measured)
    }
    const longest = runs.flatMap((run) => run.longest).toSorted((a, b) => b.cpu - a.cpu)
    const worst = longest[0]!
    const wall = Math.max(...longest.map((turn) => turn.wall))
    const first = runs[0]!.longest[0]!.cpu
    rows.push({
      what,
      value: `${worst.cpu.toFixed(1)} ms (GC ${worst.gc.toFixed(1)}; by the clock ${wall.toFixed(1)}; first ${first.toFixed(1)}; cpu of all ${runs.at(-1)!.cpu.toFixed(0)}; answer ${walls.at(-1)!.toFixed(0)})`,
      goal: `${GOAL_MS} ms`,
      met: worst.cpu <= GOAL_MS,
    })
    console.error(
      what,
      longest
        .slice(0, 8)
        .map((t) => `${t.cpu.toFixed(0)}/${t.wall.toFixed(0)}/${t.gc.toFixed(0)}`)
        .join(' '),
    )
  }
  for (const path of PATHS) await measure(path, async () => (await fetch(`${root}${path}`)).text())
  await measure('nobody looks, one message a second', async () => {
    await haraka.send({ to: 'u@d0.example' })
    await sleep(1_500)
  })
  print('The longest turn', rows)
  await haraka.close()
  await sink.close()
}

void main()
