import { loadConfiguration } from '../../lib/routing/configuration'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { decide } from '../../lib/rules/decide'
import type { Decision } from '../../lib/model/decision'
import { Recorder } from '../../lib/status/recorder'

/* What counting adds to a decision. Goal: under 0.2 us. */

const GOAL_US = 0.2
const ROUNDS = 7
const TIMES = 1_000_000

const text = `${Array.from({ length: 1_000 }, (_, i) => `d${i}.example @isp`).join('\n')}\n* @isp\n[relay:isp]\nhost = 192.0.2.1\n`
const { configuration } = loadConfiguration(text, {
  file: 'bench',
  secrets: { env: {}, readFile: () => ({ text: '', mode: 0 }) },
})
if (configuration === undefined) throw new Error('the configuration is wrong')
const { rules } = configuration
const message = {
  ...BLANK_MESSAGE,
  domain: 'd500.example',
  mailFrom: 'a@here.example',
  rcptTo: ['b@d500.example'],
}
const decision = decide(rules, message, {}) as Decision
const located = decision.exchanges.map((exchange) => ({
  exchange,
  answer: {
    kind: 'addresses',
    addresses: ['192.0.2.1'],
    how: 'fresh',
    server: 'literal',
    ttlSeconds: 0,
  } as const,
}))

const recorder = new Recorder({ pid: 1, now: Date.now })
const results: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now()
  for (let i = 0; i < TIMES; i++) {
    recorder.recordDecision(
      'ABC.1.1',
      { message, decision, located, action: 'try' },
      { rules, milliseconds: 0.05 },
    )
  }
  results.push(((performance.now() - start) * 1000) / TIMES)
}
const best = Math.min(...results)
const take = performance.now()
const report = recorder.take({ queue: { threads: 1, running: 0, ready: 0, deferred: 0 } })
const takeMs = performance.now() - take
console.log(`counting a decision: ${best.toFixed(3)} us (goal ${GOAL_US})`)
console.log(
  `taking a report with ${report.attempts.length} attempts: ${takeMs.toFixed(2)} ms, ${JSON.stringify(report).length} bytes`,
)
process.exitCode = best > GOAL_US ? 1 : 0
