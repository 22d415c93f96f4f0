import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Terminal } from '../../lib/commands/shared/terminal'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { readConfigurationSource } from '../../lib/files/configuration-source'
import { decidedBy } from '../support/decided'
import { configure } from '../support/rules'
import { startReporting } from './reporting-server'
import { run } from './terminal'

const START = Date.UTC(2026, 4, 17, 12)
const LATER = START + 90_000
const FILE = 'gmail.com   smtp.myisp.com $end\n\nx.example fred:Passw0rd@a.test\n* b.test $retries>=4\n'

function setup(t: TestContext, text = FILE) {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'config'))
  const file = join(folder, 'config', 'dns_overrides.ini')
  writeFileSync(file, text)
  const state = join(folder, STATE_FOLDER)
  return {
    folder,
    state,
    write: (changed: string) => writeFileSync(file, changed),
    inForce: (since = START) => ({
      inForce: { since, digest: readConfigurationSource(file).digest, lines: 3, relays: 0 },
    }),
    rules: (words: readonly string[] = [], changes: Partial<Terminal> = {}) =>
      run(['rules', ...words], { cwd: folder, now: () => LATER, ...changes }),
  }
}

/** A server on the file, of which the first line was hit twice. */
function startServer(t: TestContext, state: string) {
  let now = START
  const server = startReporting(t, state, () => now)
  const configuration = configure(FILE)
  const decide = (domain: string) =>
    server.recorder.recordDecision('A.1', decidedBy(configuration, domain), {
      rules: configuration.rules,
      milliseconds: 1,
    })
  decide('gmail.com')
  now = START + 60_000
  decide('gmail.com')
  return { ...server, decide }
}

test('rules: shows the file in force, hits and last use, and the lines that were never hit', async (t) => {
  const { rules, state, inForce } = setup(t)
  startServer(t, state).report(inForce())
  const { status, out, err } = await rules()
  assert.equal(
    out,
    `config/dns_overrides.ini is in force since 2026-05-17 12:00:00 UTC, and has not changed since

line  hits  last use                 override line
   1     2  2026-05-17 12:01:00 UTC  gmail.com smtp.myisp.com $end
   3     0  never                    x.example fred:********@a.test
   4     0  never                    * b.test $retries>=4

Hits in 1 worker since 2026-05-17 12:00:00 UTC
Never hit: lines 3 and 4
`,
  )
  assert.deepEqual([status, err], [0, ''])
})

test('rules --json', async (t) => {
  const { rules, state, inForce } = setup(t)
  startServer(t, state).report(inForce())
  assert.deepEqual(JSON.parse((await rules(['--json'])).out), {
    server: 'running',
    inForce: {
      since: '2026-05-17T12:00:00.000Z',
      upToDate: true,
      workers: 1,
      workersUpToDate: 1,
      countedSince: '2026-05-17T12:00:00.000Z',
    },
    lines: [
      { line: 1, text: 'gmail.com   smtp.myisp.com $end', hits: 2, lastUse: '2026-05-17T12:01:00.000Z' },
      { line: 3, text: 'x.example fred:********@a.test', hits: 0 },
      { line: 4, text: '* b.test $retries>=4', hits: 0 },
    ],
  })
})

test('rules: lines that were never hit have their own colour', async (t) => {
  const { rules, state, inForce } = setup(t)
  startServer(t, state).report(inForce())
  const { out } = await rules([], { color: { out: true, err: false } })
  const rows = out.split('\n')
  assert.ok(rows.includes('\u001b[33m   4     0  never                    * b.test $retries>=4\u001b[39m'))
  assert.match(out, /^ +1 +2 /m)
})

test('rules: a line that moves keeps its hits, and an edit that is not in force is reported', async (t) => {
  const { rules, state, inForce, write } = setup(t)
  startServer(t, state).report(inForce())
  write(`# new\nc.example d.test\n${FILE}`)
  const { status, out } = await rules()
  assert.match(
    out,
    /^config\/dns_overrides\.ini has changed, and an older one is in force since 2026-05-17 12:00:00 UTC; it has not been read again\n/,
  )
  assert.match(out, /^ +3 +2 +2026-05-17 12:01:00 UTC +gmail\.com smtp\.myisp\.com \$end$/m)
  assert.match(out, /Never hit: lines 2, 5 and 6\n/)
  assert.equal(status, 75)
})

test('rules: shows a file that the server refused, with its errors', async (t) => {
  const { rules, state, inForce, write } = setup(t)
  const server = startServer(t, state)
  server.recorder.recordReading({ good: false, reason: 'has 1 error and is not used' })
  server.report(inForce())
  write('nonsense')
  const { status, out, err } = await rules()
  assert.equal(
    out,
    'config/dns_overrides.ini has changed, and an older one is in force since 2026-05-17 12:00:00 UTC; read at 2026-05-17 12:01:00 UTC, it has 1 error and is not used\n\n',
  )
  assert.match(err, /dns_overrides\.ini:1:1: error: /)
  assert.match(err, /has 1 error\n$/)
  assert.equal(status, 78)
})

test('rules: shows that one of two workers uses an older file', async (t) => {
  const { rules, state, inForce } = setup(t)
  const server = startServer(t, state)
  server.report(inForce())
  const { worker } = server.recorder.take({
    ...inForce(),
    queue: { threads: 1, running: 0, ready: 0, deferred: 0 },
  })
  const old = { ...worker.inForce!, digest: 'old' }
  server.add({ counts: {}, hits: {}, decisions: [], worker: { ...worker, pid: 2, inForce: old } })
  const { status, out } = await rules()
  assert.match(out, /^config\/dns_overrides\.ini is in force in 1 of 2 workers; it has not been read again\n/)
  assert.equal(status, 75)
})

test('rules: without a server it prints the lines of the file', async (t) => {
  const { rules, state } = setup(t)
  const { status, out, err } = await rules()
  assert.equal(
    out,
    `line  override line
   1  gmail.com smtp.myisp.com $end
   3  x.example fred:********@a.test
   4  * b.test $retries>=4
`,
  )
  assert.equal(err, `no running Haraka uses ${state}, so nothing is in force and no hits are known\n`)
  assert.equal(status, 75)
  assert.deepEqual(Object.keys(JSON.parse((await rules(['--json'])).out) as object), ['server', 'lines'])
})

test('rules: on a terminal no row is longer than its width', async (t) => {
  const { rules, state, inForce } = setup(t)
  startServer(t, state).report(inForce())
  const { out } = await rules([], { rows: 24, columns: 60 })
  assert.match(out, /^ {3}1 {5}2 {2}2026-05-17 12:01:00 UTC {2}gmail\.com smtp\.myisp\.\.\.$/m)
  for (const row of out.split('\n').filter((line) => /^ +\d/.test(line))) assert.ok(row.length <= 60, row)
})

test('rules: a file without override lines is reported as such', async (t) => {
  const { rules } = setup(t, 'mx_sending_threads = 5\n')
  assert.equal((await rules()).out, 'config/dns_overrides.ini has no override lines\n')
})

test('rules --watch: on a pipe each change is a block, and Ctrl-C ends with status 0', async (t) => {
  const { rules, state, inForce } = setup(t)
  const server = startServer(t, state)
  server.report(inForce())
  const stop = new AbortController()
  const blocks: string[] = []
  const { status } = await rules(['--watch'], {
    interruption: () => stop.signal,
    out: (text) => {
      blocks.push(text)
      if (blocks.length === 2) stop.abort()
      server.decide('x.example')
      server.report(inForce())
    },
  })
  assert.equal(status, 0)
  assert.match(blocks[0]!, /Never hit: lines 3 and 4\n$/)
  assert.match(blocks[1]!, /^\nconfig\/dns_overrides\.ini is in force[^]*Never hit: line 4\n$/)
})

test('rules --watch: on a terminal the screen is redrawn, cut to its height, and restored at the end', async (t) => {
  const { rules, state, inForce } = setup(t)
  startServer(t, state).report(inForce())
  const stop = new AbortController()
  let drawn = ''
  const { status } = await rules(['--watch'], {
    rows: 8,
    columns: 80,
    interruption: () => stop.signal,
    out: (text) => {
      drawn += text
      if (text.startsWith('\u001b[H')) stop.abort()
    },
  })
  assert.equal(status, 0)
  assert.ok(drawn.startsWith('\u001b[?1049h\u001b[?25l\u001b[H2026-05-17 12:01:30 UTC  (Ctrl-C ends)'))
  assert.ok(drawn.endsWith('more)\u001b[K\u001b[J\u001b[?25h\u001b[?1049l'), JSON.stringify(drawn.slice(-60)))
  assert.equal(drawn.split('\n').length, 7, 'the first line takes two rows')
})
