/**
 * What decisions and loading cost: `npm run bench -- rules`.
 *
 * Both sides of a comparison are measured in turns within one run, so that what else the machine does falls on both. DNS is an
 * answer that is there already. Exit status 1 if a goal is missed.
 */
import { knowledgeOf } from '../../lib/rules/message-spec'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  loadConfiguration,
  loadConfigurationInSteps,
  type Configuration,
} from '../../lib/routing/configuration'
import type { MxAnswer } from '../../lib/model/dns-answer'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { decide } from '../../lib/rules/decide'
import {
  type DirectDecision,
  FAILING_LINES,
  LINES_OF_OTHERS,
  startDirectDecision,
} from '../support/direct-decision'
import { alternate, costOf, median, print, type Row, showRange } from './support'

const OPTIONS = {
  file: 'bench.ini',
  secrets: { env: {}, readFile: () => ({ text: '', mode: 0o600 }) },
}
const ANSWER: MxAnswer = {
  kind: 'mx',
  records: [{ priority: 10, exchange: 'mx1.example.com' }],
  how: 'cached',
  server: '127.0.0.1:53',
  ttlSeconds: 60,
}
const ROUNDS = 15
const DECISIONS = 20_000
const LINES = 100_000

type Shape = (index: number) => string

const plain: Shape = (index) => (index % 2 === 0 ? `c${index}.example` : `*.c${index}.example`)

/** Lines about other domains, of every shape that a pattern has. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'names and *.names': plain,
  'mail?.name and *name': (index) => (index % 2 === 0 ? `mail?.c${index}.example` : `*c${index}.example`),
  'name.* and name*.example.com': (index) => (index % 2 === 0 ? `c${index}.*` : `a${index}*.example.com`),
}

/** Lines about other domains, and in their middle two about the one that is asked for. */
function linesOf(count: number, shape: Shape): string {
  const lines = Array.from(
    { length: count - 2 },
    (_, index) => `${shape(index)} smtp${index % 7}.example.net:587`,
  )
  const own = ['example.com r1.example.net $retries>=1', '*.com r2.example.net $size>1K $end']
  lines.splice(lines.length >> 1, 0, ...own)
  return lines.join('\n')
}

function configure(text: string): Configuration {
  const { configuration } = loadConfiguration(text, OPTIONS)
  if (configuration === undefined) throw new Error('the configuration of the benchmark has errors')
  return configuration
}

const KNOWN = knowledgeOf(ANSWER)

/** Microseconds for one decision. */
async function decisionCost({ rules }: Configuration): Promise<number> {
  // One for all: to copy it with `...` costs more than the decision.
  const message = {
    ...BLANK_MESSAGE,
    domain: 'example.com',
    mailFrom: 'joe@example.net',
    size: 4000,
    retries: 0,
  }
  const { cpu } = await costOf(() => {
    for (let count = 0; count < DECISIONS; count++) {
      message.retries = count % 3
      decide(rules, message, KNOWN)
    }
  })
  return cpu / DECISIONS
}

async function decisions(): Promise<void> {
  const rows: Row[] = []
  for (const [name, shape] of Object.entries(SHAPES)) {
    const small = configure(linesOf(10, shape))
    const large = configure(linesOf(10_000, shape))
    const costs = await alternate(ROUNDS, {
      small: () => decisionCost(small),
      large: () => decisionCost(large),
    })
    const [few, many] = [median(costs.small), median(costs.large)]
    const value = `${few.toFixed(2)} us, ${many.toFixed(2)} us, x ${(many / few).toFixed(2)}`
    rows.push({ what: name, value, goal: 'at most x 1.5', met: many / few <= 1.5 })
  }
  print('one decision of 10 lines, of 10,000 lines', rows)
}

/** Decisions that no line makes, but the MX records that the resolver remembers. */
async function directDecisions(): Promise<void> {
  const none = await startDirectDecision(LINES_OF_OTHERS)
  const failing = await startDirectDecision(FAILING_LINES)
  const costWith = async ({ decideOnce }: DirectDecision) => {
    const { cpu } = await costOf(() => {
      for (let count = 0; count < DECISIONS; count++) decideOnce()
    })
    return cpu / DECISIONS
  }
  const costs = await alternate(ROUNDS, { none: () => costWith(none), failing: () => costWith(failing) })
  await none.stop()
  await failing.stop()
  const row = (what: string, values: readonly number[], most: number): Row => ({
    what,
    value: `${showRange(values)} us`,
    goal: `under ${most} us`,
    met: median(values) < most,
  })
  print('one decision by MX records in the cache', [
    row('no line of 10,000 matches', costs.none, 1.5),
    row('conditions of 20 lines for * fail', costs.failing, 3),
  ])
}

/**
 * How long a load in steps takes, and the longest time in it for which nobody else had a turn; of that time no more than this
 * process (all its threads) was at work, so that a machine that is busy with others is not counted. Milliseconds.
 */
async function loadInSteps(text: string): Promise<{ total: number; block: number }> {
  const state = { block: 0, over: false }
  const watch = async () => {
    let before = performance.now()
    let used = process.cpuUsage()
    while (!state.over) {
      await nextTurn()
      const now = performance.now()
      const { user, system } = process.cpuUsage(used)
      state.block = Math.max(state.block, Math.min(now - before, (user + system) / 1000))
      before = now
      used = process.cpuUsage()
    }
  }
  const watching = watch()
  const start = performance.now()
  const { configuration } = await loadConfigurationInSteps(text, OPTIONS)
  const total = performance.now() - start
  state.over = true
  await watching
  if (configuration?.rules.lines.length !== LINES) throw new Error('lines are missing')
  return { total, block: state.block }
}

async function loads(): Promise<void> {
  const full = Array.from(
    { length: LINES },
    (_, index) => `${plain(index)} fred:Passw0rd@r${index}.example.net:587 $retries>=2 $priority:5 $end`,
  )
  const texts = [
    ...Object.entries(SHAPES).map(([name, shape]) => [name, linesOf(LINES, shape)] as const),
    ['passwords, conditions, options', full.join('\n')] as const,
  ]
  const rows: Row[] = []
  for (const [name, text] of texts) {
    const results = await alternate(3, { inSteps: async () => loadInSteps(text) })
    const total = median(results.inSteps.map((load) => load.total))
    const block = Math.max(...results.inSteps.map((load) => load.block))
    const value = `${total.toFixed(0)} ms, ${block.toFixed(1)} ms`
    rows.push({ what: name, value, goal: 'under 1000 ms, 50 ms', met: total < 1000 && block < 50 })
  }
  print(`load ${LINES} lines in steps: whole time, longest block of the event loop`, rows)
}

async function main(): Promise<void> {
  await decisions()
  await directDecisions()
  await loads()
}

void main()
