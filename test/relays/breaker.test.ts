import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker, LONGEST_PAUSE_MS, TRIAL_TIME_MS } from '../../lib/relays/breaker'

const T = 1_000_000

test('a failure opens the breaker for retry_after, then one message may try the server', () => {
  const breaker = new Breaker()
  assert.deepEqual(breaker.view(T), { state: 'closed' })
  assert.equal(breaker.noteFailure('refused', 60_000, T), true)
  assert.deepEqual(breaker.view(T), { state: 'open', until: T + 60_000 })
  assert.deepEqual(breaker.view(T + 59_999), { state: 'open', until: T + 60_000 })
  assert.deepEqual(breaker.view(T + 60_000), { state: 'half-open' })
  breaker.takeTrial(T + 60_000)
  assert.deepEqual(breaker.view(T + 60_001), { state: 'trial', until: T + 60_000 + TRIAL_TIME_MS })
  breaker.noteSuccess()
  assert.deepEqual(breaker.view(T + 60_002), { state: 'closed' })
  assert.equal(breaker.failures, 0)
  assert.equal(breaker.lastFailure, undefined)
})

test('the pause doubles up to an hour while trials fail, and starts again after a success', () => {
  const breaker = new Breaker()
  const pauses: number[] = []
  let now = T
  for (let i = 0; i < 9; i++) {
    breaker.noteFailure('refused', 60_000, now)
    const view = breaker.view(now)
    assert.equal(view.state, 'open')
    if (view.state !== 'open') return
    pauses.push((view.until - now) / 1000)
    now = view.until
  }
  assert.deepEqual(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
  breaker.noteSuccess()
  breaker.noteFailure('refused', 60_000, now)
  assert.deepEqual(breaker.view(now), { state: 'open', until: now + 60_000 })
})

test('the longest retry_after of an hour stays an hour', () => {
  const breaker = new Breaker()
  const pause = LONGEST_PAUSE_MS
  breaker.noteFailure('refused', pause, T)
  breaker.noteFailure('refused', pause, T + pause)
  assert.deepEqual(breaker.view(T + pause), { state: 'open', until: T + 2 * pause })
})

test('failures of connections opened before the pause count as one', () => {
  const breaker = new Breaker()
  breaker.noteFailure('first', 1_000, T)
  for (let i = 0; i < 100; i++) assert.equal(breaker.noteFailure('another', 1_000, T + 500), false)
  assert.equal(breaker.failures, 1)
  assert.equal(breaker.lastFailure, 'another')
  assert.deepEqual(breaker.view(T + 500), { state: 'open', until: T + 1_000 })
})

test('a trial without a result is free again, at once or after its time', () => {
  const breaker = new Breaker()
  breaker.noteFailure('refused', 1_000, T)
  const free = breaker.takeTrial(T + 1_000)
  assert.equal(breaker.view(T + 1_000 + TRIAL_TIME_MS - 1).state, 'trial')
  assert.equal(breaker.view(T + 1_000 + TRIAL_TIME_MS).state, 'half-open')
  const freeSecond = breaker.takeTrial(T + 1_000 + TRIAL_TIME_MS)
  free()
  assert.equal(
    breaker.view(T + 1_001 + TRIAL_TIME_MS).state,
    'trial',
    'a late end of the first does not free the second',
  )
  freeSecond()
  assert.equal(breaker.view(T + 1_001 + TRIAL_TIME_MS).state, 'half-open')
})

test('a clock that is set back does not extend the pause', () => {
  const ahead = T + 1_000 * LONGEST_PAUSE_MS
  const breaker = new Breaker()
  breaker.noteFailure('refused', 60_000, ahead)
  assert.deepEqual(breaker.view(T), { state: 'open', until: T + 60_000 })
  assert.deepEqual(breaker.view(T + 60_000), { state: 'half-open' })
  breaker.takeTrial(ahead)
  assert.deepEqual(breaker.view(T + 60_000), { state: 'trial', until: T + 60_000 + TRIAL_TIME_MS })
})

test('the state of another process replaces that of this one', () => {
  const [here, there] = [new Breaker(), new Breaker()]
  assert.equal(there.trouble(T), undefined)
  here.noteFailure('refused', 60_000, T)
  const trouble = here.trouble(T + 10_000)!
  assert.deepEqual(trouble, {
    failures: 1,
    pauseMs: 60_000,
    openMs: 50_000,
    trialMs: 0,
    lastFailure: 'refused',
  })
  there.adopt(trouble, T + 500_000)
  assert.deepEqual(there.view(T + 500_000), { state: 'open', until: T + 550_000 })
  there.adopt({ ...trouble, openMs: 0, trialMs: 5_000 }, T + 550_000)
  assert.deepEqual(there.view(T + 550_000), { state: 'trial', until: T + 555_000 })
  assert.deepEqual(there.view(T + 555_000), { state: 'half-open' })
  assert.equal(there.trouble(T + 555_000)?.openMs, 0)
  there.adopt(undefined, T + 555_000)
  assert.deepEqual(there.view(T + 555_000), { state: 'closed' })
})

test('a trial of this process continues if others report none, and ends if another process has it', () => {
  const breaker = new Breaker()
  breaker.noteFailure('refused', 1_000, T)
  const free = breaker.takeTrial(T + 1_000)
  const trouble = breaker.trouble(T + 1_000)!
  breaker.adopt(trouble, T + 1_000)
  assert.equal(breaker.view(T + 1_000).state, 'trial')
  breaker.adopt({ ...trouble, trialMs: 2_000 }, T + 1_000)
  free()
  assert.equal(breaker.view(T + 1_000).state, 'trial')
  breaker.adopt(trouble, T + 1_000)
  assert.equal(breaker.view(T + 1_000).state, 'half-open')
})
