import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashLine } from '../../lib/haraka-files/notes'
import { type Facts, MOST_DECISIONS, MOST_CHARACTERS } from '../../lib/status/facts'
import { Collector } from '../../lib/status/collector'
import { Recorder } from '../../lib/status/recorder'
import { FactsReader, formatFacts, readReport } from '../../lib/status/read-facts'
import { decidedBy, IDLE_VIEW } from '../support/decided'
import { configure } from '../support/rules'

const NOW = Date.UTC(2026, 4, 17, 12, 0, 30)
const LINE = 'example.com @isp $end'
const CONFIGURATION = configure(`${LINE}\n* @isp\n[relay:isp]\nhost = 192.0.2.1\n`)
const BASIS = { rules: CONFIGURATION.rules, milliseconds: 0.3 }

function readFacts(lines: Iterable<string>): Facts | undefined {
  const reader = new FactsReader()
  for (const line of lines) reader.add(line)
  return reader.facts
}

function recorder(pid = 7) {
  let now = NOW
  return { recorder: new Recorder({ pid, now: () => now }), pass: (ms: number) => (now += ms) }
}

test('decisions are counted by source and action, with their time and the lines that matched', () => {
  const { recorder: worker, pass } = recorder()
  worker.recordTry(worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS))
  pass(5)
  worker.recordDecision('B.1', decidedBy(CONFIGURATION, 'other.example', { action: 'wait' }), BASIS)
  const slow = { ...BASIS, milliseconds: 60_000 }
  const last = worker.recordDecision('C.1', decidedBy(CONFIGURATION, 'example.com'), slow)
  worker.recordTry(last)
  worker.recordTry(last)
  const { counts, hits } = worker.take(IDLE_VIEW)
  assert.deepEqual(counts, {
    'decisions overrides try': 2,
    'decisions overrides wait': 1,
    'decision_seconds 0.0005': 2,
    'decision_seconds Infinity': 1,
    decision_ms: 60_000.6,
  })
  assert.deepEqual(hits, {
    [hashLine(LINE)]: { count: 2, last: NOW + 5 },
    [hashLine('* @isp')]: { count: 1, last: NOW + 5 },
  })
  assert.deepEqual(worker.take(IDLE_VIEW).counts, {}, 'what was taken is not reported again')
})

test('hits before and after a reload are both reported', () => {
  const { recorder: worker } = recorder()
  worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS)
  const moved = configure(`a.example @isp\n${LINE}\n[relay:isp]\nhost = 192.0.2.1\n`)
  worker.recordDecision('B.1', decidedBy(moved, 'example.com'), { ...BASIS, rules: moved.rules })
  assert.deepEqual(worker.take(IDLE_VIEW).hits, { [hashLine(LINE)]: { count: 2, last: NOW } })
})

test('a decision is reported when it is made, and again when its attempt ends', () => {
  const { recorder: worker } = recorder()
  const decided = decidedBy(CONFIGURATION, 'example.com')
  const slot = worker.recordDecision('A.1', decided, BASIS)
  const [begun] = worker.take(IDLE_VIEW).decisions
  assert.deepEqual(begun, {
    key: '7.0',
    id: 'A.1',
    file: '',
    at: NOW,
    domain: 'example.com',
    sender: 'a@here.example',
    recipients: ['b@example.com'],
    otherRecipients: 0,
    size: 1000,
    retries: 0,
    source: 'overrides',
    lines: [1],
    action: 'try',
    exchanges: ['relay isp'],
    reason: '',
  })
  assert.deepEqual(worker.take(IDLE_VIEW).decisions, [])
  worker.recordTry(slot)
  const [exchange] = decided.decision.exchanges
  const end = { at: NOW + 9, delivered: true, connections: [] }
  worker.recordEnd(slot, end, { tried: [[exchange!, 'delivered']], reason: '' })
  const { decisions, counts } = worker.take(IDLE_VIEW)
  assert.deepEqual(decisions, [{ ...begun, end }])
  assert.deepEqual(counts, { 'decisions overrides try': 1, 'connections isp delivered': 1 })
})

const UNTIL = NOW + 300_000
const NO_CONNECTION = { at: NOW, delivered: false, connections: [] }

test('a wait before a server is tried counts as held or waiting, and a message without a server as deferred', () => {
  for (const [why, action] of [
    ['held', 'hold'],
    ['connections', 'wait'],
    ['quota', 'wait'],
    ['token', 'wait'],
  ] as const) {
    const { recorder: worker } = recorder()
    const slot = worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS)
    worker.recordWait({}, { why, reason: 'not now', until: UNTIL, at: ['isp'] }, slot)
    worker.recordEnd(slot, NO_CONNECTION, { tried: [], reason: '' })
    const { counts, decisions } = worker.take(IDLE_VIEW)
    assert.equal(counts[`decisions overrides ${action}`], 1, why)
    assert.equal(counts['decisions overrides try'], undefined, why)
    const [decision] = decisions
    assert.deepEqual([decision!.action, decision!.wait, decision!.reason], [action, why, 'not now'])
  }
  const { recorder: worker } = recorder()
  const slot = worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS)
  worker.recordEnd(slot, NO_CONNECTION, { tried: [], reason: 'no address fits bind' })
  const { counts, decisions } = worker.take(IDLE_VIEW)
  assert.equal(counts['decisions overrides defer'], 1)
  assert.deepEqual([decisions[0]!.action, decisions[0]!.reason], ['defer', 'no address fits bind'])
})

test('a wait after a server was tried counts as tried, and is shown as waiting', () => {
  const { recorder: worker } = recorder()
  const slot = worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS)
  worker.recordTry(slot)
  worker.recordWait({}, { why: 'held', reason: 'relay isp is held', until: UNTIL, at: ['isp'] }, slot)
  const { counts, decisions } = worker.take(IDLE_VIEW)
  assert.equal(counts['decisions overrides try'], 1)
  assert.equal(counts['decisions overrides hold'], undefined)
  assert.deepEqual([decisions[0]!.action, decisions[0]!.wait], ['try', 'held'])
})

test('the last decisions are reported, and all are counted', () => {
  const { recorder: worker } = recorder()
  for (let i = 0; i < 1_000; i++)
    worker.recordTry(worker.recordDecision(`${i}.1`, decidedBy(CONFIGURATION, 'example.com'), BASIS))
  const { counts, decisions } = worker.take(IDLE_VIEW)
  assert.equal(counts['decisions overrides try'], 1_000)
  assert.ok(decisions.length < 1_000)
  assert.ok(decisions.some(({ id }) => id === '999.1'))
})

test('all recipients of a message are kept, up to 1,000, and its file name', () => {
  const { recorder: worker } = recorder()
  const decided = decidedBy(CONFIGURATION, 'example.com', { file: '1_2_0_3_AbCdEf_4_mail' })
  const rcptTo = Array.from({ length: 1_500 }, (_, i) => `r${i}@example.com`)
  worker.recordDecision('A.1', { ...decided, message: { ...decided.message, rcptTo } }, BASIS)
  const [decision] = worker.take(IDLE_VIEW).decisions
  assert.deepEqual(
    [decision!.recipients.length, decision!.otherRecipients, decision!.file],
    [1_000, 500, '1_2_0_3_AbCdEf_4_mail'],
  )
})

test('fewer decisions with very long texts are kept, the last ones', () => {
  const server = new Collector({ pid: 1, now: () => NOW })
  const { recorder: worker } = recorder()
  const decided = decidedBy(CONFIGURATION, 'example.com')
  const rcptTo = Array.from({ length: 1_000 }, (_, i) => `${'r'.repeat(60)}${i}@example.com`)
  for (let i = 0; i < 100; i++) {
    worker.recordDecision(`${i}.1`, { ...decided, message: { ...decided.message, rcptTo } }, BASIS)
    server.add(worker.take(IDLE_VIEW))
  }
  const { decisions } = server.facts
  assert.ok(decisions.length > 10 && decisions.length < 100, `${decisions.length}`)
  assert.ok(JSON.stringify(decisions).length <= MOST_CHARACTERS)
  assert.ok(decisions.some(({ id }) => id === '99.1'))
})

test('waiting messages are counted by reason until they are tried again or overdue', () => {
  const { recorder: worker, pass } = recorder()
  const [held, full] = [{}, {}]
  worker.recordWait(
    held,
    { why: 'held', reason: '', until: NOW + 300_000, at: ['isp', 'constructor'] },
    undefined,
  )
  worker.recordWait(full, { why: 'connections', reason: '', until: NOW + 10_000, at: ['isp'] }, undefined)
  const { waiting, waitingAt } = worker.take(IDLE_VIEW).worker
  assert.deepEqual(waiting, { held: 1, connections: 1 })
  assert.deepEqual(waitingAt, { isp: 2, constructor: 1 })
  worker.endWait(full)
  assert.deepEqual(worker.take(IDLE_VIEW).worker.waiting, { held: 1 })
  pass(400_000)
  assert.deepEqual(worker.take(IDLE_VIEW).worker.waiting, {})
})

test('counts of all workers are added up, and survive a worker', () => {
  const server = new Collector({ pid: 1, now: () => NOW })
  for (const pid of [7, 8]) {
    const { recorder: worker } = recorder(pid)
    worker.recordTry(worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS))
    server.add(worker.take(IDLE_VIEW))
  }
  server.forget(7)
  const { counts, workers, minutes, decisions } = server.facts
  assert.equal(counts.get('decisions overrides try'), 2)
  assert.deepEqual(server.hits.get(hashLine(LINE)), { count: 2, last: NOW })
  assert.deepEqual(
    workers.map(({ pid }) => pid),
    [8],
  )
  assert.deepEqual(minutes, [{ at: Date.UTC(2026, 4, 17, 12), decisions: { 'overrides try': 2 } }])
  assert.equal(decisions.length, 2)
})

test('facts and reports are the same after writing and reading', () => {
  const { recorder: worker } = recorder()
  const slot = worker.recordDecision('A.1', decidedBy(CONFIGURATION, 'example.com'), BASIS)
  const connection = {
    server: 'relay isp',
    address: '192.0.2.1',
    tls: true,
    failed: 'rcpt',
    text: '450 later',
  } as const
  worker.recordWait({}, { why: 'quota', reason: 'max_per_hour is reached', until: UNTIL, at: ['isp'] }, slot)
  worker.recordEnd(slot, { at: NOW, delivered: false, connections: [connection] }, { tried: [], reason: '' })
  worker.recordReading({ good: false, reason: 'has 2 errors and is not used' })
  const inForce = { since: NOW, digest: 'abc', lines: 2, relays: 1 }
  const report = worker.take({ ...IDLE_VIEW, inForce })
  assert.deepEqual(readReport(JSON.parse(JSON.stringify(report))), report)
  const server = new Collector({ pid: 1, now: () => NOW })
  server.add(report)
  assert.deepEqual(readFacts(formatFacts(server.facts)), server.facts)
})

test('malformed facts are ignored, and long ones are cut', () => {
  const read = (value: unknown) => readFacts([JSON.stringify(value)])
  for (const value of [null, 7, 'x', [], {}, { pid: 'x', updated: 1 }]) assert.equal(read(value), undefined)
  const wrong = read({
    pid: 1,
    updated: 2,
    counts: [{ key: 'good', amount: 3 }, { key: 'bad', amount: 'x' }, { key: 'worse', amount: -1 }, 7],
    minutes: [{ at: 'x' }],
    decisions: [{ key: 'a' }, 7],
    workers: [{ pid: 'x' }, null],
  })
  assert.deepEqual(wrong, {
    pid: 1,
    started: 0,
    updated: 2,
    counts: new Map([['good', 3]]),
    minutes: [],
    decisions: [],
    workers: [],
  })
  const decision = { key: 'k', id: 'i\u001b[2J', source: 'dns', action: 'try', sender: 'x'.repeat(9_000) }
  const many = read({ pid: 1, updated: 2, decisions: Array.from({ length: 5_000 }, () => decision) })!
  assert.equal(many.decisions.length, MOST_DECISIONS)
  assert.equal(many.decisions[0]!.id, 'i\ufffd[2J')
  assert.ok(many.decisions[0]!.sender.length < 1_000)
})

test('waiting messages that are gone are removed in steps', () => {
  const { recorder: worker, pass } = recorder()
  const wait = (until: number) => ({ why: 'held', reason: '', until, at: ['isp'] }) as const
  for (let i = 0; i < 250; i++) worker.recordWait({}, wait(NOW), undefined)
  const last = {}
  worker.recordWait(last, wait(NOW + 900_000), undefined)
  worker.recordWait(last, wait(NOW + 900_000), undefined)
  const waiting = () => worker.take(IDLE_VIEW).worker.waitingAt.isp
  assert.equal(waiting(), 251)
  pass(300_000)
  assert.deepEqual([waiting(), waiting(), waiting(), waiting()], [151, 52, 1, 1])
})
