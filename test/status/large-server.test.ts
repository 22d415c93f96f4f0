import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Steps } from '../../lib/model/steps'
import { overwriteInSteps } from '../../lib/relays/private-file'
import { formatSnapshot } from '../../lib/relays/snapshot'
import { findMetricValues } from '../../lib/status/metric-values'
import { type Overview, OverviewReader } from '../../lib/status/overview'
import { renderPage } from '../../lib/status/page/page'
import { readQuery } from '../../lib/status/page/query'
import { createIdentity } from '../../lib/redis/host-identity'
import { SharedHits } from '../../lib/redis/shared-hits'
import { formatHits } from '../../lib/status/facts-file'
import { readHits } from '../support/line-hits'
import { viewQueue } from '../../lib/status/queue-view'
import { formatFacts } from '../../lib/status/read-facts'
import { StatusResponder } from '../../lib/status/responder'
import { lintInSteps } from '../../lib/rules/lint'
import { CodeCounter } from '../support/code-counts'
import { openLargeServer } from '../support/large-server'
import { configure } from '../support/rules'

/*
 * What a page may do at one go with 100,000 lines and 10,000 relays, in numbers that no clock and no other load changes. The time is
 * measured by test/bench/status-page.bench.ts.
 */

const LINES = 100_000
const RELAYS = 10_000

test('pages and metrics of a large server are bounded, and the facts are read in small steps', async (t) => {
  const server = openLargeServer({ lines: LINES, relays: RELAYS })
  t.after(() => server.close())
  const reader = new OverviewReader(server.source)
  const steps = [...reader.readServer()].length + [...reader.readLines('server')].length
  // Relays one by one, lines hashed by 64, files by 64 KiB.
  assert.ok(steps > RELAYS + LINES / 64, `${steps} steps`)

  const responder = new StatusResponder(server.source)
  const get = async (url: string) => {
    const client = { address: '127.0.0.1', forwardedFor: undefined }
    const { status, body } = await responder.answer({ method: 'GET', url, client })
    assert.equal(status, 200, url)
    return body
  }
  for (const url of ['/', '/?lines=busiest&from=900', '/?lines=never', '/?from=99999&relay=9990']) {
    const page = await get(url)
    assert.ok(page.length < 256 * 1024, `${url}: ${page.length} characters`)
    assert.ok(page.split('<tr').length < 300, `${url}: rows`)
  }
  assert.match(
    await get('/?from=99999&relay=9990'),
    /9991 to 10000 of 10000 relays[\s\S]*100000 of 100000 lines/,
  )
  assert.match(await get('/?lines=never'), /100000 override lines, each hit/)

  const samples = new Map<string, number>()
  for (const line of (await get('/metrics')).split('\n').filter((each) => /^[a-z]/.test(each))) {
    const name = line.replace(/[ {].*/, '')
    samples.set(name, (samples.get(name) ?? 0) + 1)
  }
  assert.equal(samples.get('haraka_dns_overrides_rule_hits_total'), 1_000)
  assert.equal(samples.get('haraka_dns_overrides_relay_up'), 1_000)
  assert.deepEqual(
    [...samples].filter(([, count]) => count > 1_000),
    [],
  )
})

/** How often one place of the code may run in one step, however large the server is: fewer than it has lines here. */
const MOST_RUNS = 12_000

test('no place of the code runs often within one step of a page, the metrics or the files they read', (t) => {
  const [lines, relays] = [2 * MOST_RUNS, 1_000]
  const server = openLargeServer({ lines, relays })
  t.after(() => server.close())
  const counter = new CodeCounter()
  t.after(() => counter.close())
  const watch = <T>(what: string, steps: Steps<T>): T => {
    const { result, most } = counter.watch(steps)
    assert.ok(most.count > 0 && most.count <= MOST_RUNS, `${what}: ${most.count} times ${most.where}`)
    return result
  }
  const { folder, queueFolder } = server.source
  const reader = new OverviewReader(server.source)
  // The first one hashes the lines, the second one has the hashes.
  watch('lines', reader.readLines('server'))
  const overview: Overview = {
    ...watch('server', reader.readServer()),
    ...watch('lines again', reader.readLines('server')),
  }
  assert.deepEqual([overview.lines?.length, overview.relays.length], [lines, relays])
  watch('metrics', findMetricValues({ ...overview, ownLines: overview.lines }))
  const queue = watch('queue', viewQueue(queueFolder(), overview))
  for (const text of ['', 'lines=busiest&from=900', 'lines=never', 'from=20000&relay=900']) {
    const query = readQuery(new URLSearchParams(text))
    const rest = {
      explanation: undefined,
      storyAnswer: undefined,
      host: 'mail1',
      warnings: { kind: 'pending' },
    } as const
    watch(`page ${text}`, renderPage({ overview, query, queue, ...rest }))
  }

  const { server: state, facts } = overview
  assert.ok(state.kind === 'running' && facts !== undefined)
  const snapshot = formatSnapshot({ role: 'worker', holds: [], servers: state.servers }, overview.now)
  watch('snapshot', overwriteInSteps(folder!, 'again', snapshot))
  watch('facts', overwriteInSteps(folder!, 'again', formatFacts(facts)))
  const own = readHits(folder!)
  assert.equal(own.size, lines)
  const shared = new SharedHits({
    connection: {
      isReady: false,
      isLate: false,
      serial: 0,
      run: () => Promise.reject(new Error()),
      onReady() {},
      close() {},
    },
    identity: createIdentity(),
    workers: () => 1,
    now: Date.now,
    onChange: () => {},
  })
  t.after(() => shared.close())
  shared.add(Object.fromEntries(own))
  watch('hits of all servers', overwriteInSteps(folder!, 'again', formatHits(shared.totals(own))))
})

test('the warnings of check are found in steps of a line, 64 comparisons, or one known reply', () => {
  const lines = Array.from({ length: 200 }, (_, i) => `*.d${i}.* 192.0.2.${i} $reply~=*word${i}*`)
  const text = lines.join('\n')
  const steps = [...lintInSteps(configure(text), { text, retryIntervalsSeconds: [60] })].length
  assert.ok(steps > 200 * 60, `${steps} steps`)
})
