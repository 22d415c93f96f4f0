import { decide } from '../../lib/rules/decide'
import type { Decision } from '../../lib/model/decision'
import { Recorder } from '../../lib/status/recorder'
import { decidedBy, IDLE_VIEW } from '../support/decided'
import { configure } from '../support/rules'
import { alternate, costOf, garbageCollector, median, print } from './support'

/* What counting adds to a decision, beside the decision itself in the same run. Goal: under 0.2 us. And the memory of the last decisions. */

const GOAL_US = 0.2
const ROUNDS = 15
const TIMES = 200_000
/** What one worker keeps until it reports. */
const ATTEMPTS = 256

const configuration = configure(
  `${Array.from({ length: 1_000 }, (_, i) => `d${i}.example @isp`).join('\n')}\n* @isp\n[relay:isp]\nhost = 192.0.2.1\n`,
)
const { rules } = configuration
const decided = decidedBy(configuration, 'd500.example')
const { message } = decided
const basis = { rules, milliseconds: 0.05 }

async function main(): Promise<void> {
  const recorder = new Recorder({ pid: 1, now: Date.now })
  const cost = async (work: () => void) => {
    const { cpu } = await costOf(() => {
      for (let i = 0; i < TIMES; i++) work()
    })
    return cpu / TIMES
  }
  const { alone, counted } = await alternate(ROUNDS, {
    alone: () => cost(() => void (decide(rules, message, {}) as Decision)),
    counted: () =>
      cost(() => {
        const decision = decide(rules, message, {}) as Decision
        recorder.recordTry(recorder.recordDecision('ABC.1.1', { ...decided, decision }, basis))
      }),
  })
  const added = median(counted.map((each, round) => each - alone[round]!))

  const collect = garbageCollector()
  const full = new Recorder({ pid: 1, now: Date.now })
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < ATTEMPTS; i++) {
    const own = decidedBy(configuration, `d${i}.example`)
    full.recordDecision(`8C0F4E37-1D2B-4A5C-9E7F-${String(i).padStart(12, '0')}.1.1`, own, basis)
  }
  collect()
  const kept = process.memoryUsage().heapUsed - before
  const report = full.take(IDLE_VIEW)
  print('Counting', [
    { what: 'a decision among 1,000 lines', value: `${median(alone).toFixed(3)} us` },
    { what: 'the same, counted', value: `${median(counted).toFixed(3)} us` },
    { what: 'counting adds', value: `${added.toFixed(3)} us`, goal: `${GOAL_US} us`, met: added < GOAL_US },
    {
      what: `${ATTEMPTS} attempts of a worker that wait to be reported`,
      value: `${(kept / 1024).toFixed(0)} KiB`,
    },
    { what: 'a report of them', value: `${(JSON.stringify(report).length / 1024).toFixed(0)} KiB` },
  ])
}
void main()
