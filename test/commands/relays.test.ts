import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exchangeKey } from '../../lib/model/exchange'
import { relayExchange, termsExchange } from '../support/servers'
import { run } from './terminal'
import { acquire, fail, startWorker } from './worker'
import { isp, RELAYS, spare, TIME, relaysFolders } from './relays-folders'

const setup = relaysFolders()

const inline = relayExchange({ host: 'inline.example' })

test('relays: without a running server it lists the relays of the file, with unknown state', async (t) => {
  const { relays, state } = setup(t)
  const { status, out, err } = await relays()
  assert.equal(status, 0)
  assert.equal(
    out,
    [
      '@isp  smtp.isp.example:587  not known, no server runs',
      '@Spare  spare.example:25  not known, no server runs',
      '',
    ].join('\n'),
  )
  assert.equal(err, `no running Haraka uses ${state}\n`)
})

test('relays: shows what a worker reports', async (t) => {
  const { relays, state } = setup(t)
  const worker = startWorker(t, state)
  acquire(worker, isp).end(true)
  fail(worker, inline)
  worker.close()
  const { status, out, err } = await relays()
  assert.equal(status, 75, 'a server is left out')
  assert.match(
    out,
    /^@isp {2}smtp\.isp\.example:587 {2}usable\n {4}connections 0 of 5, sent in the last hour 1 of 300$/m,
  )
  assert.match(
    out,
    new RegExp(`^inline\\.example:25 {2}left out until ${TIME}, after 1 failure: connection refused$`, 'm'),
  )
  assert.equal(err, '')
  const json = JSON.parse((await relays('--json')).out) as {
    server: string
    workers: number[]
    relays: { key: string; name?: string; breaker: string; retryAt?: string }[]
  }
  assert.deepEqual([json.server, json.workers], ['running', [process.pid]])
  assert.deepEqual(
    json.relays.map(({ key, name, breaker }) => [key, name, breaker]),
    [
      [exchangeKey(isp), 'isp', 'closed'],
      ['spare.example:25', 'Spare', 'closed'],
      [exchangeKey(inline), undefined, 'open'],
    ],
  )
  const retryAt = json.relays[2]?.retryAt ?? ''
  assert.equal(new Date(retryAt).toISOString(), retryAt, 'a time with its zone')
})

test('relays: shows a limit that is reached', async (t) => {
  const { relays, state } = setup(t)
  const worker = startWorker(t, state)
  const leases = Array.from({ length: 5 }, () => acquire(worker, isp))
  t.after(() => leases.forEach((lease) => lease.end(false)))
  worker.close()
  const { status, out } = await relays()
  assert.equal(status, 0)
  assert.match(
    out,
    /^@isp {2}smtp\.isp\.example:587 {2}max_connections is reached: 5 of 5 in use\n {4}connections 5 of 5, /m,
  )
})

test('relays: a relay whose host has no address is not "usable"', async (t) => {
  const file =
    '[relay:one]\nhost = nowhere.example\n[relay:two]\nhost = broken.example\n[relay:Spare]\nhost = spare.example'
  const { relays, state } = setup(t, file)
  startWorker(t, state)
  const { status, out } = await relays()
  assert.equal(status, 75)
  assert.match(out, /^@one {2}nowhere\.example:25 {2}no address\n {4}nowhere\.example has no address\n/)
  assert.match(
    out,
    /^@two {2}broken\.example:25 {2}no address\n {4}broken\.example could not be looked up: /m,
  )
  assert.match(out, /^@Spare {2}spare\.example:25 {2}usable$/m)
  const json = JSON.parse((await relays('--json')).out) as { relays: { unresolved?: string }[] }
  assert.deepEqual(
    json.relays.map(({ unresolved }) => unresolved !== undefined),
    [true, true, false],
  )
})

test('relays: foreign text in the state folder is not taken for a report', async (t) => {
  const { relays, state } = setup(t)
  startWorker(t, state).close()
  const own = join(state, `${process.pid}.json`)
  for (const text of [
    'null',
    '[]',
    '{',
    '{"updated":"x","servers":[]}',
    `{"updated":${Date.now()},"servers":[null,{"key":1},{"key":"k","breaker":"open","failures":"x","held":true}]}`,
    `{"updated":${Date.now()},"servers":null,"holds":{},"limits":[{"key":"isp","connections":"NaN"}]}`,
  ]) {
    writeFileSync(own, text)
    const { status, out, err } = await relays()
    assert.equal(status, 0, text)
    assert.doesNotMatch(`${out}${err}`, /NaN|undefined|\bat .*:\d+/, text)
  }
  const crafted = {
    key: 'evil\u001b[2J.example:25',
    breaker: 'open',
    failures: 1,
    held: false,
    connections: 0,
    waiting: 0,
    sentLastHour: 0,
    lastFailure: '\u202e\u0085500\u2066',
  }
  writeFileSync(own, JSON.stringify({ updated: Date.now(), role: 'worker', servers: [crafted], holds: [] }))
  writeFileSync(join(state, 'hold.%1B%5B2J'), '')
  const { out } = await relays()
  assert.match(out, /^evil\ufffd\[2J\.example:25 {2}left out, after 1 failure: /m)
  assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cf}\p{Cc}]/u)
})

test('relays: what waits for one relay is not shown of another with the same host, port and user', async (t) => {
  const { relays, state } = setup(
    t,
    `${RELAYS}[relay:bulk]\nhost = smtp.isp.example\nport = 587\nmax_connections = 1\n`,
  )
  startWorker(t, state).close()
  const report = { key: 'smtp.isp.example:587', name: 'bulk', breaker: 'closed', failures: 0, held: false }
  const servers = [{ ...report, connections: 0, waiting: 3, sentLastHour: 0 }]
  const snapshot = { updated: Date.now(), role: 'worker', servers, holds: [] }
  writeFileSync(join(state, `${process.pid}.json`), JSON.stringify(snapshot))
  const shown = JSON.parse((await relays('--json')).out) as { relays: { name: string; waiting: number }[] }
  assert.deepEqual(
    shown.relays.map(({ name, waiting }) => [name, waiting]),
    [
      ['isp', 0],
      ['Spare', 0],
      ['bulk', 3],
    ],
  )
})

test('relays: status 75 if a relay is held or left out, even if another is usable', async (t) => {
  const { relays, state } = setup(t)
  const worker = startWorker(t, state)
  acquire(worker, isp).end(true)
  fail(worker, spare)
  worker.close()
  assert.equal((await relays()).status, 75)
})

const TERMS = `
* @ms
[direct]
port = 26
[direct:ms]
max_connections = 2
retry_after = 5m
[direct:other]
`

test('relays: terms are shown with the totals of all their servers, and the servers that are left out', async (t) => {
  const { relays, state } = setup(t, TERMS)
  const worker = startWorker(t, state)
  const terms = { maxConnections: 2, retryAfterMs: 300_000 }
  const lease = acquire(worker, termsExchange('ms', 'mx1.example', terms, 26))
  t.after(() => lease.end(false))
  lease.reportFailure({ stage: 'connect', message: 'connection refused' })
  lease.moveTo(termsExchange('ms', 'mx2.example', terms, 26))
  worker.close()
  const { status, out } = await relays()
  assert.equal(status, 0, "a stranger's server that is left out is not an operator's business")
  assert.match(
    out,
    new RegExp(
      [
        String.raw`^@ms  \[direct:ms\]  usable`,
        '    connections 1 of 2, sent in the last hour 0',
        `    mx1.example:26  left out until ${TIME}, after 1 failure: connection refused`,
        String.raw`@other  \[direct:other\]  usable`,
        '    connections 0, sent in the last hour 0',
        '$',
      ].join('\n'),
    ),
  )
  const json = JSON.parse((await relays('--json')).out) as {
    relays: unknown[]
    terms: { key: string; connections: number; leftOut: { key: string; retryAt: string }[] }[]
  }
  assert.deepEqual(json.relays, [])
  assert.deepEqual(
    json.terms.map(({ key, connections, leftOut }) => [key, connections, leftOut.map((one) => one.key)]),
    [
      ['[direct:ms]', 1, ['mx1.example:26']],
      ['[direct:other]', 0, []],
    ],
  )
})

test('relays: terms can be held and resumed by name', async (t) => {
  const { relays, state } = setup(t, TERMS)
  startWorker(t, state)
  assert.match((await relays('--hold', '@MS')).err, /^@ms is held: no mail goes to it until it is resumed; /)
  const { status, out } = await relays()
  assert.equal(status, 75)
  assert.match(out, new RegExp(String.raw`^@ms  \[direct:ms\]  held by hand since ${TIME}$`, 'm'))
  assert.doesNotMatch(out, /not in the configuration/)
  assert.match((await relays('--resume', 'ms')).err, /^@ms is resumed; confirmed by 1 worker$/m)
})

test('relays: [direct] is shown if any of its limits is counted', async (t) => {
  const { relays, state } = setup(t, '[direct]\nmax_per_hour = 9\n[overrides]\nx.example $direct')
  startWorker(t, state)
  assert.match(
    (await relays()).out,
    /^\[direct\] {2}usable\n {4}connections 0, sent in the last hour 0 of 9$/m,
  )
})

test('relays: wrong usage', async (t) => {
  const { relays } = setup(t)
  for (const [words, message] of [
    [['--hold', 'ips'], 'relays: --hold takes the name of a relay or of terms, not "ips"; did you mean isp?'],
    [
      ['--resume', 'nowhere'],
      'relays: --resume takes the name of a relay or of terms, not "nowhere"; the names are isp, Spare',
    ],
    [['--hold', 'isp', '--resume', 'isp'], 'relays: --hold or --resume, not both'],
    [['--for', '1h'], 'relays: --for needs --hold NAME'],
    [['--resume', 'isp', '--reason', 'x'], 'relays: --reason needs --hold NAME'],
    ...['x', '0', '-1h', '1w', '10000d'].map(
      (time) =>
        [
          ['--hold', 'isp', `--for=${time}`],
          `relays: --for takes a time up to a year, for example 30m, 2h or 1d, not "${time}"`,
        ] as const,
    ),
  ] as const) {
    const { status, err } = await relays(...words)
    assert.equal(status, 64)
    assert.equal(err, `dns-overrides: ${message} (see dns-overrides help relays)\n`)
  }
})

test('relays --watch: a relay that fails is a new block, and Ctrl-C ends with status 0', async (t) => {
  const { folder, state } = setup(t)
  const worker = startWorker(t, state)
  const stop = new AbortController()
  const blocks: string[] = []
  const { status } = await run(['relays', '--watch'], {
    env: { HARAKA: folder },
    now: Date.now,
    interruption: () => stop.signal,
    out: (text) => {
      blocks.push(text)
      if (blocks.length === 1) fail(worker, spare)
      else stop.abort()
    },
  })
  assert.equal(status, 0)
  assert.match(blocks[0]!, /^@Spare {2}spare\.example:25 {2}usable$/m)
  assert.match(blocks[1]!, /^\n@isp [^]*^@Spare {2}spare\.example:25 {2}left out until /m)
})

test('relays --watch cannot be combined with --hold', async (t) => {
  const { relays } = setup(t)
  const { status, err } = await relays('--watch', '--hold', 'isp')
  assert.equal(status, 64)
  assert.match(err, /relays: --watch or --hold, not both/)
})
