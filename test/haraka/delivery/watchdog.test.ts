import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { patienceOf, watchProgress } from '../../../lib/haraka/delivery/watchdog'

const GREETING = 30_000
const PATIENCE = 600_000

function watched(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const now = { replies: 0, sent: 0 }
  const stuck: string[] = []
  const stop = watchProgress(
    { replies: () => now.replies, sent: () => now.sent, onStuck: (message) => stuck.push(message) },
    { greetingMs: GREETING, replyMs: PATIENCE },
  )
  return {
    now,
    stuck,
    stop,
    greet: () => {
      now.replies++
      mock.timers.tick(GREETING)
    },
    later: () => mock.timers.tick(PATIENCE),
  }
}

test('Haraka’s timeout of 30 s allows 30 s for the greeting, and ten minutes for each reply', () => {
  for (const timeout of [30, undefined, 0]) {
    assert.deepEqual(patienceOf(timeout), { greetingMs: GREETING, replyMs: PATIENCE })
  }
  assert.deepEqual(patienceOf(0.5), { greetingMs: 500, replyMs: 10_000 })
})

test('an incomplete greeting is given up after 30 s, whatever else is sent', (t) => {
  const { now, stuck } = watched(t)
  mock.timers.tick(GREETING - 1)
  assert.deepEqual(stuck, [])
  now.sent = 10
  mock.timers.tick(1)
  assert.deepEqual(stuck, ['no greeting within 30 s'])
})

test('only complete replies count as progress', (t) => {
  const { now, stuck, greet, later } = watched(t)
  greet()
  now.replies++
  later()
  assert.deepEqual(stuck, [])
  later()
  assert.deepEqual(stuck, ['no reply within 600 s'])
  later()
  assert.equal(stuck.length, 1)
})

test('sending a long message counts as progress, a stalled one does not', (t) => {
  const { now, stuck, greet, later } = watched(t)
  greet()
  now.sent = 40_000
  later()
  now.sent = 40_001
  later()
  assert.deepEqual(stuck, [])
  later()
  assert.equal(stuck.length, 1)
})

test('a closed connection is no longer watched', (t) => {
  const { stuck, stop, later } = watched(t)
  stop()
  later()
  later()
  assert.deepEqual(stuck, [])
})
