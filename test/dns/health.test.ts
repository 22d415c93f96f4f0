import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerHealth } from '../../lib/dns/health'

test('a server without queries is preferred, then the fastest', () => {
  const fresh = new ServerHealth()
  const fast = new ServerHealth()
  const slow = new ServerHealth()
  fast.noteAnswer(20)
  slow.noteAnswer(90)
  assert.ok(fresh.speedRank < fast.speedRank && fast.speedRank < slow.speedRank)
})

test('round trips that differ by a few milliseconds count as equal', () => {
  const one = new ServerHealth()
  const other = new ServerHealth()
  one.noteAnswer(7)
  other.noteAnswer(0.2)
  assert.equal(one.speedRank, other.speedRank)
})

test('the round trip is smoothed, and ages while other servers are chosen', () => {
  const health = new ServerHealth()
  health.noteAnswer(80)
  health.noteAnswer(160)
  assert.equal(health.rttMs, 90)
  for (let i = 0; i < 120; i++) health.noteSkipped()
  assert.ok(health.rttMs! < 9)
})

test('a failing server comes last, and is probed after a time that doubles', () => {
  const health = new ServerHealth()
  health.noteAnswer(10)
  let now = 0
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    health.noteFailure(now)
    assert.equal(health.speedRank, Infinity)
    const since = now
    while (!health.startProbe(now)) now += 1000
    assert.equal(health.startProbe(now), false, 'one probe at a time')
    waits.push((now - since) / 1000)
  }
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 300, 300])
  health.noteAnswer(10)
  assert.equal(health.failures, 0)
  assert.equal(health.startProbe(now + 1e9), false)
})

test('failures during the penalty do not extend it', () => {
  const health = new ServerHealth()
  for (const now of [0, 100, 4_999]) health.noteFailure(now)
  assert.equal(health.failures, 1)
  assert.equal(health.startProbe(4_999), false)
  assert.equal(health.startProbe(5_000), true)
  health.noteFailure(5_100)
  assert.equal(health.failures, 2)
})

test('a cancelled probe is made again', () => {
  const health = new ServerHealth()
  health.noteFailure(0)
  assert.equal(health.startProbe(5000), true)
  health.endProbe()
  assert.equal(health.startProbe(5000), true)
})
