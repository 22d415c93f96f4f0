import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { holdRelay } from '../../../lib/relays/hold-by-hand'
import { STATE_FOLDER } from '../../../lib/relays/state-folder'
import { relayExchange, termsExchange } from '../../support/servers'
import { run } from '../terminal'
import { acquire, fail, startWorker } from '../worker'

// What the state of a running server changes in the answer of `explain`.

const RELAYS = `
[relay:isp]
host = isp.test
max_connections = 1
[relay:spare]
host = spare.test
`

const isp = relayExchange({ name: 'isp', host: 'isp.test', maxConnections: 1 })
const spare = relayExchange({ name: 'spare', host: 'spare.test' })

function setup(t: TestContext, lines: string) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-effect-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'config'))
  writeFileSync(join(folder, 'config', 'dns_overrides.ini'), `${lines}\n${RELAYS}`)
  const state = join(folder, STATE_FOLDER)
  const worker = startWorker(t, state)
  return {
    worker,
    hold: (name: string, reason?: string) =>
      holdRelay({ name, ...(reason === undefined ? {} : { reason }) }, { folder: state, now: Date.now }),
    explain: (...words: string[]) =>
      run(['explain', 'a@x.example', '--mx', '10:mx.x.example', '-c', folder, ...words], { now: Date.now }),
  }
}

test('a message whose only relay is held would wait; --offline ignores the hold', async (t) => {
  const { hold, explain } = setup(t, '* @isp')
  assert.equal((await explain()).status, 0)
  await hold('isp', 'maintenance')
  const { status, out } = await explain()
  assert.equal(status, 75)
  assert.match(
    out,
    /^Would wait: relay isp is held \(line 1\)\n {2}10 {2}isp\.test:25 {2}@isp, line 1\n {6}held by hand since \S+ \S+ UTC: maintenance\n/m,
  )
  const json = JSON.parse((await explain('--json')).out) as Record<string, unknown> & {
    exchanges: { unavailable: string }[]
  }
  assert.deepEqual([json.outcome, json.reason], ['defer', 'relay isp is held'])
  assert.match(json.exchanges[0]!.unavailable, /^held by hand since /)
  const offline = await explain('--offline')
  assert.equal(offline.status, 0)
  assert.match(offline.out, /^Would be sent by line 1$/m)
  assert.doesNotMatch(offline.out, /held/)
})

test('a message with another server does not wait', async (t) => {
  const { hold, explain } = setup(t, '* @isp\n* @spare $priority:20')
  await hold('isp')
  const { status, out } = await explain()
  assert.equal(status, 0)
  assert.match(
    out,
    /^Would be sent by lines 1 and 2\n {2}10 {2}isp\.test:25 .*\n {6}held by hand since .*\n {2}20 /m,
  )
})

test('a message does not wait only because a breaker is open', async (t) => {
  const { worker, explain } = setup(t, '* @spare')
  fail(worker, spare)
  worker.close()
  const { status, out } = await explain()
  assert.equal(status, 0)
  assert.match(
    out,
    /^Would be sent by line 1\n.*\n {6}left out until .* UTC, after 1 failure: connection refused$/m,
  )
})

test('a message whose relay is at its limit would wait for a connection', async (t) => {
  const { worker, explain } = setup(t, '* @isp')
  const lease = acquire(worker, isp)
  t.after(() => lease.end(false))
  worker.close()
  const { status, out } = await explain()
  assert.equal(status, 75)
  assert.match(
    out,
    /^Would wait: relay isp has no free place \(line 1\)\n.*\n {6}max_connections is reached: 1 of 1 in use$/m,
  )
})

test('[attempts] uses the next relay that is valid', async (t) => {
  const { hold, explain } = setup(t, '[attempts]\n* direct=0 relay=5')
  assert.match((await explain()).out, /^ {2}10 {2}isp\.test:25 /m)
  await hold('isp')
  const { status, out } = await explain()
  assert.equal(status, 0)
  assert.match(out, /^ {2}10 {2}spare\.test:25 {2}@spare, relay of \[attempts\]$/m)
  await hold('spare')
  const both = await explain()
  assert.equal(both.status, 75)
  assert.match(both.out, /^Would wait: relay isp and relay spare are held \(\[attempts\]\)$/m)
})

const TERMS = '* @ms\n[direct:ms]\nmax_connections = 1\nretry_after = 5m\n'

test('a message whose terms are at their limit would wait', async (t) => {
  const { worker, explain } = setup(t, TERMS)
  const lease = acquire(worker, termsExchange('ms', 'other.example', { maxConnections: 1 }))
  t.after(() => lease.end(false))
  worker.close()
  const full = await explain()
  assert.equal(full.status, 75)
  assert.match(
    full.out,
    /^Would wait: \[direct:ms\] has no free place \(line 1\)\n.*\n {6}max_connections is reached: 1 of 1 in use$/m,
  )
})

test('a server that is left out is tried if there is no other, and the output says so', async (t) => {
  const { worker, explain } = setup(t, TERMS)
  fail(worker, termsExchange('ms', 'mx.x.example', { retryAfterMs: 300_000 }))
  worker.close()
  const { status, out } = await explain()
  assert.equal(status, 0)
  assert.match(
    out,
    /^ {2}10 {2}mx\.x\.example:25 {2}@ms, MX of x\.example, line 1\n {6}left out until .* UTC, after 1 failure: connection refused$/m,
  )
})

test('a message whose terms are held would wait', async (t) => {
  const { hold, explain } = setup(t, TERMS)
  await hold('ms')
  const { status, out } = await explain()
  assert.equal(status, 75)
  assert.match(out, /^Would wait: \[direct:ms\] is held \(line 1\)$/m)
})

test('the timeline says that it ignores the state of the server', async (t) => {
  const { hold, explain } = setup(t, '* @isp')
  assert.match((await explain('--timeline')).out, /^If no server accepts it$/m)
  await hold('isp')
  assert.match((await explain('--timeline')).out, /^If no server accepts it, whatever is held or left out$/m)
})
