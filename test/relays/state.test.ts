import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../lib/relays/holds'
import { isUnavailable } from '../../lib/relays/types'
import { Secret } from '../../lib/model/secret'
import { relayExchange, type RelayFields } from '../support/servers'
import { T, HOUR, setUpState, expectLease, folderOf } from '../support/local-state'

const user = (name: string) => ({ user: name, password: new Secret('hidden') })

const exchange = (more: Partial<RelayFields> = {}) => relayExchange({ host: 'smtp.example', ...more })

test('a failure leaves a relay out, a later success takes it back, and each is logged once', () => {
  const { clock, logged, state, acquire } = setUpState()
  const isp = exchange({ name: 'isp' })
  const taken = expectLease(acquire(isp))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  taken.end(false)
  assert.deepEqual(state.look(isp), {
    usable: false,
    why: 'breaker',
    message: 'relay isp is left out until 15:07:40 UTC: refused',
    until: T + 60_000,
  })
  assert.deepEqual(acquire(isp), state.look(isp))
  clock.pass(60_000)
  const trial = expectLease(acquire(isp))
  assert.deepEqual(state.look(isp), {
    usable: false,
    why: 'breaker',
    message: 'relay isp is being tried by another message after: refused',
  })
  trial.reportSuccess()
  trial.end(true)
  assert.deepEqual(state.look(isp), { usable: true })
  assert.deepEqual(logged, ['relay isp is left out for 60 s: refused', 'relay isp works again'])
})

test('after a trial without outcome the next message may try', () => {
  const { clock, acquire } = setUpState()
  const taken = expectLease(acquire(exchange()))
  taken.reportFailure({ stage: 'greeting', message: '554' })
  taken.end(false)
  clock.pass(60_000)
  expectLease(acquire(exchange())).end(false)
  expectLease(acquire(exchange()))
})

test('the last resort ignores the breaker, but not holds or limits', () => {
  const { acquire } = setUpState({ folder: folderOf([{ name: 'isp', since: T }]) })
  const other = exchange({ host: 'other.example', maxConnections: 1 })
  const taken = expectLease(acquire(other))
  taken.reportFailure({ stage: 'tls', message: 'no TLS' })
  assert.equal('usable' in acquire(other, true), true, 'its one connection is in use')
  taken.end(false)
  assert.equal('usable' in acquire(other), true)
  expectLease(acquire(other, true))
  assert.deepEqual(acquire(exchange({ name: 'isp' }), true), {
    usable: false,
    why: 'held',
    message: 'relay isp is held by hand',
  })
})

test('host, port and user identify a server, which shares nothing with others', () => {
  const { state, acquire } = setUpState()

  const taken = expectLease(acquire(exchange({ credentials: user('fred') })))
  taken.reportFailure({ stage: 'auth', message: '535' })
  assert.equal(state.look(exchange({ credentials: user('fred'), name: 'other name' })).usable, false)
  for (const other of [exchange(), exchange({ credentials: user('joe') }), exchange({ port: 587 })]) {
    assert.deepEqual(state.look(other), { usable: true })
  }
  assert.ok(!JSON.stringify(state.status()).includes('hidden'))
})

test('connections: at most the limit at once, each given back once', () => {
  const { clock, acquire } = setUpState()
  const two = exchange({ name: 'isp', maxConnections: 2 })
  const first = expectLease(acquire(two))
  expectLease(acquire(two))
  assert.deepEqual(acquire(two), {
    usable: false,
    why: 'connections',
    message: 'relay isp has reached its max_connections of 2',
  })
  clock.pass(400)
  first.end(true)
  first.end(true)
  expectLease(acquire(two))
  assert.equal('usable' in acquire(two), true)
})

test('quota: messages sent in any 60 minutes and those in progress', () => {
  const { clock, state, acquire } = setUpState()
  const three = exchange({ name: 'isp', maxPerHour: 3 })
  expectLease(acquire(three)).end(false)
  expectLease(acquire(three)).end(true)
  clock.pass(60_000)
  expectLease(acquire(three)).end(true)
  const onTheWay = expectLease(acquire(three))
  const refused = acquire(three)
  assert.ok('usable' in refused)
  assert.equal(refused.why, 'quota')
  assert.equal(refused.message, 'relay isp has reached its max_per_hour of 3')
  assert.ok(refused.until! > T + HOUR && refused.until! <= T + HOUR + 10_000)
  onTheWay.end(false)
  expectLease(acquire(three)).end(true)
  assert.equal(state.look(three).usable, false)
  clock.pass(refused.until! - clock.wall())
  assert.equal(state.look(three).usable, true)
})

test('a message that waits for a connection is woken when one is free, and the connection is kept for it', () => {
  const { state, acquire } = setUpState()
  const one = exchange({ name: 'isp', maxConnections: 1 })
  const first = expectLease(acquire(one))
  const woken: string[] = []
  state.whenFree(one, () => woken.push('a'))
  state.whenFree(one, () => woken.push('b'))
  assert.equal(state.status()[0]!.waiting, 2)
  first.end(true)
  assert.deepEqual(woken, [])
  return Promise.resolve().then(() => {
    assert.deepEqual(woken, ['a'])
    assert.deepEqual(state.look(one), { usable: true })
    expectLease(acquire(one)).end(true)
    assert.deepEqual(woken, ['a', 'b'])
  })
})

test('limits belong to the section: two relays at one address have one each', () => {
  const { acquire } = setUpState()
  expectLease(acquire(exchange({ name: 'a', maxConnections: 1 })))
  expectLease(acquire(exchange({ name: 'b', maxConnections: 1 })))
  assert.equal(isUnavailable(acquire(exchange({ name: 'a', maxConnections: 1 }))), true)
})

test('a message that meets a limit does not use up the trial', () => {
  const { clock, acquire } = setUpState()
  const one = exchange({ maxConnections: 1 })
  const taken = expectLease(acquire(one))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  clock.pass(60_000)
  const refused = acquire(one)
  assert.ok(isUnavailable(refused) && refused.why === 'connections')
  taken.end(false)
  expectLease(acquire(one))
})

test('a failure without a connection counts unless the relay is left out or being tried', () => {
  const { clock, state, acquire } = setUpState()
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  assert.equal(state.status()[0]!.failures, 1)
  clock.pass(60_000)
  expectLease(acquire(exchange()))
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  assert.equal(state.status()[0]!.failures, 1)
})

test('a hold is reported with end and reason, and ends at its time', () => {
  const holds: Hold[] = [{ name: 'isp', since: T, until: T + 60_000, reason: 'maintenance' }]
  const { acquire } = setUpState({ folder: folderOf(holds) })
  assert.deepEqual(acquire(exchange({ name: 'isp' })), {
    usable: false,
    why: 'held',
    message: 'relay isp is held by hand until 2025-06-15 15:07:40 UTC: maintenance',
    until: T + 60_000,
  })
})

test('each message gets the next rotation offset', async () => {
  const { state } = setUpState()
  assert.deepEqual(
    [await state.nextRotationOffset(), await state.nextRotationOffset(), await state.nextRotationOffset()],
    [0, 1, 2],
  )
})

test('memory is bounded, and servers in use are kept', () => {
  const { state, acquire } = setUpState({ capacity: 100 })
  expectLease(acquire(exchange({ host: 'used.example' })))
  for (let i = 0; i < 1_000; i++) expectLease(acquire(exchange({ host: `h${i}.example` }))).end(true)
  const keys = state.status().map(({ key }) => key)
  assert.equal(keys.length, 100)
  assert.ok(keys.includes('used.example:25'))
  assert.ok(keys.includes('h999.example:25'))
})

test('status: the state of each server', () => {
  const { state, acquire } = setUpState({ folder: folderOf([{ name: 'a', since: T }]) })
  expectLease(acquire(exchange({ host: 'a.example', name: 'b' }))).end(true)
  expectLease(acquire(exchange({ host: 'a.example', name: 'b' })))
  const taken = expectLease(acquire(exchange({ host: '2001:db8::1' })))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  taken.end(false)
  assert.deepEqual(state.status(), [
    {
      key: 'a.example:25',
      name: 'b',
      breaker: 'closed',
      failures: 0,
      held: false,
      connections: 1,
      waiting: 0,
      sentLastHour: 1,
    },
    {
      key: '[2001:db8::1]:25',
      breaker: 'open',
      failures: 1,
      lastFailure: 'refused',
      retryAt: T + 60_000,
      held: false,
      connections: 0,
      waiting: 0,
      sentLastHour: 0,
    },
  ])
})
