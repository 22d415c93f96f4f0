import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusResponder } from '../../lib/status/responder'
import { OverviewReader } from '../../lib/status/overview'
import { lintInSteps } from '../../lib/rules/lint'
import { openLargeServer } from '../support/large-server'
import { configure } from '../support/rules'

/*
 * What a page may do at one go with 100,000 lines and 10,000 relays, in numbers that no clock and no other load changes. The time is
 * measured by test/bench/status-page.bench.ts.
 */

const LINES = 100_000
const RELAYS = 10_000

test('pages and metrics of a large server are bounded, and their facts are read in small steps', async (t) => {
  const server = openLargeServer({ lines: LINES, relays: RELAYS })
  t.after(() => server.close())
  const steps = [...new OverviewReader(server.source).read()].length
  // Snapshot and facts by 100 entries, relays one by one, lines hashed by 64, hits by 256.
  assert.ok(steps > RELAYS + LINES / 64 + LINES / 256 + RELAYS / 50, `${steps} steps`)

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

test('the warnings of check are looked for in steps: a line, 64 comparisons, or one known reply', () => {
  const lines = Array.from({ length: 200 }, (_, i) => `*.d${i}.* 192.0.2.${i} $reply~=*word${i}*`)
  const text = lines.join('\n')
  const steps = [...lintInSteps(configure(text), { text, retryIntervalsSeconds: [60] })].length
  assert.ok(steps > 200 * 60, `${steps} steps`)
})
