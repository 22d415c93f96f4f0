import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../lib/relays/holds'
import type { RelayStateOptions } from '../../lib/relays/state'
import type { StateFolder } from '../../lib/relays/state-folder'
import { isUnavailable, type Lease, type Unavailable } from '../../lib/relays/types'
import type { Exchange } from '../../lib/model/exchange'
import { Secret } from '../../lib/model/secret'
import { atOnce, localRelayState, testClock } from '../support/relay-state'
import { relayExchange, termsExchange, type RelayFields } from '../support/servers'

const T = 1_750_000_000_000
const HOUR = 3_600_000

function setup(options: Partial<RelayStateOptions> = {}) {
  const clock = testClock(T)
  const logged: string[] = []
  const state = localRelayState({
    clock,
    log: { info: (text) => logged.push(text), warn: (text) => logged.push(text) },
    ...options,
  })
  const acquire = (exchange: Exchange, lastResort = false) => atOnce(state.acquire(exchange, { lastResort }))
  return { clock, logged, state, acquire }
}

const user = (name: string) => ({ user: name, password: new Secret('hidden') })

const exchange = (more: Partial<RelayFields> = {}) => relayExchange({ host: 'smtp.example', ...more })

function lease(answer: Lease | Unavailable): Lease {
  assert.ok(!isUnavailable(answer), JSON.stringify(answer))
  return answer
}

test('a failure leaves a relay out, a later success takes it back, and each is logged once', () => {
  const { clock, logged, state, acquire } = setup()
  const isp = exchange({ name: 'isp' })
  const taken = lease(acquire(isp))
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
  const trial = lease(acquire(isp))
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
  const { clock, acquire } = setup()
  const taken = lease(acquire(exchange()))
  taken.reportFailure({ stage: 'greeting', message: '554' })
  taken.end(false)
  clock.pass(60_000)
  lease(acquire(exchange())).end(false)
  lease(acquire(exchange()))
})

test('the last resort ignores the breaker, but not holds or limits', () => {
  const { acquire } = setup({ folder: folder([{ name: 'isp', since: T }]) })
  const other = exchange({ host: 'other.example', maxConnections: 1 })
  const taken = lease(acquire(other))
  taken.reportFailure({ stage: 'tls', message: 'no TLS' })
  assert.equal('usable' in acquire(other, true), true, 'its one connection is in use')
  taken.end(false)
  assert.equal('usable' in acquire(other), true)
  lease(acquire(other, true))
  assert.deepEqual(acquire(exchange({ name: 'isp' }), true), {
    usable: false,
    why: 'held',
    message: 'relay isp is held by hand',
  })
})

test('host, port and user identify a server, which shares nothing with others', () => {
  const { state, acquire } = setup()

  const taken = lease(acquire(exchange({ credentials: user('fred') })))
  taken.reportFailure({ stage: 'auth', message: '535' })
  assert.equal(state.look(exchange({ credentials: user('fred'), name: 'other name' })).usable, false)
  for (const other of [exchange(), exchange({ credentials: user('joe') }), exchange({ port: 587 })]) {
    assert.deepEqual(state.look(other), { usable: true })
  }
  assert.ok(!JSON.stringify(state.status()).includes('hidden'))
})

test('connections: at most the limit at once, each given back once', () => {
  const { clock, acquire } = setup()
  const two = exchange({ name: 'isp', maxConnections: 2 })
  const first = lease(acquire(two))
  lease(acquire(two))
  assert.deepEqual(acquire(two), {
    usable: false,
    why: 'connections',
    message: 'relay isp has reached its max_connections of 2',
  })
  clock.pass(400)
  first.end(true)
  first.end(true)
  lease(acquire(two))
  assert.equal('usable' in acquire(two), true)
})

test('quota: messages sent in any 60 minutes and those in progress', () => {
  const { clock, state, acquire } = setup()
  const three = exchange({ name: 'isp', maxPerHour: 3 })
  lease(acquire(three)).end(false)
  lease(acquire(three)).end(true)
  clock.pass(60_000)
  lease(acquire(three)).end(true)
  const onTheWay = lease(acquire(three))
  const refused = acquire(three)
  assert.ok('usable' in refused)
  assert.equal(refused.why, 'quota')
  assert.equal(refused.message, 'relay isp has reached its max_per_hour of 3')
  assert.ok(refused.until! > T + HOUR && refused.until! <= T + HOUR + 10_000)
  onTheWay.end(false)
  lease(acquire(three)).end(true)
  assert.equal(state.look(three).usable, false)
  clock.pass(refused.until! - clock.wall())
  assert.equal(state.look(three).usable, true)
})

test('a message that waits for a connection is woken when one is free, and the connection is kept for it', () => {
  const { state, acquire } = setup()
  const one = exchange({ name: 'isp', maxConnections: 1 })
  const first = lease(acquire(one))
  const woken: string[] = []
  state.whenFree(one, () => woken.push('a'))
  state.whenFree(one, () => woken.push('b'))
  assert.equal(state.status()[0]!.waiting, 2)
  first.end(true)
  assert.deepEqual(woken, [])
  return Promise.resolve().then(() => {
    assert.deepEqual(woken, ['a'])
    assert.deepEqual(state.look(one), { usable: true })
    lease(acquire(one)).end(true)
    assert.deepEqual(woken, ['a', 'b'])
  })
})

test('limits belong to the section: two relays at one address have one each', () => {
  const { acquire } = setup()
  lease(acquire(exchange({ name: 'a', maxConnections: 1 })))
  lease(acquire(exchange({ name: 'b', maxConnections: 1 })))
  assert.equal(isUnavailable(acquire(exchange({ name: 'a', maxConnections: 1 }))), true)
})

test('a message that meets a limit does not use up the trial', () => {
  const { clock, acquire } = setup()
  const one = exchange({ maxConnections: 1 })
  const taken = lease(acquire(one))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  clock.pass(60_000)
  const refused = acquire(one)
  assert.ok(isUnavailable(refused) && refused.why === 'connections')
  taken.end(false)
  lease(acquire(one))
})

test('a failure without a connection counts unless the relay is left out or being tried', () => {
  const { clock, state, acquire } = setup()
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  assert.equal(state.status()[0]!.failures, 1)
  clock.pass(60_000)
  lease(acquire(exchange()))
  state.noteFailure(exchange(), { stage: 'connect', message: 'no address' })
  assert.equal(state.status()[0]!.failures, 1)
})

test('a hold is reported with end and reason, and ends at its time', () => {
  const holds: Hold[] = [{ name: 'isp', since: T, until: T + 60_000, reason: 'maintenance' }]
  const { acquire } = setup({ folder: folder(holds) })
  assert.deepEqual(acquire(exchange({ name: 'isp' })), {
    usable: false,
    why: 'held',
    message: 'relay isp is held by hand until 2025-06-15 15:07:40 UTC: maintenance',
    until: T + 60_000,
  })
})

test('each message gets the next rotation offset', async () => {
  const { state } = setup()
  assert.deepEqual(
    [await state.nextRotationOffset(), await state.nextRotationOffset(), await state.nextRotationOffset()],
    [0, 1, 2],
  )
})

test('memory is bounded, and servers in use are kept', () => {
  const { state, acquire } = setup({ capacity: 100 })
  lease(acquire(exchange({ host: 'used.example' })))
  for (let i = 0; i < 1_000; i++) lease(acquire(exchange({ host: `h${i}.example` }))).end(true)
  const keys = state.status().map(({ key }) => key)
  assert.equal(keys.length, 100)
  assert.ok(keys.includes('used.example:25'))
  assert.ok(keys.includes('h999.example:25'))
})

test('status: the state of each server', () => {
  const { state, acquire } = setup({ folder: folder([{ name: 'a', since: T }]) })
  lease(acquire(exchange({ host: 'a.example', name: 'b' }))).end(true)
  lease(acquire(exchange({ host: 'a.example', name: 'b' })))
  const taken = lease(acquire(exchange({ host: '2001:db8::1' })))
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

test('terms: one limit for all their servers, and a breaker for each', () => {
  const { clock, logged, state, acquire } = setup()
  const terms = { retryAfterMs: 60_000, maxConnections: 1 }
  const [a, b] = ['a.example', 'b.example'].map((host) => termsExchange('ms', host, terms)) as [
    Exchange,
    Exchange,
  ]
  const taken = lease(acquire(a))
  assert.deepEqual(acquire(b), {
    usable: false,
    why: 'connections',
    message: '[direct:ms] has reached its max_connections of 1',
  })
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  assert.equal(taken.moveTo(b), undefined)
  taken.reportSuccess()
  assert.deepEqual(taken.moveTo(a), {
    usable: false,
    why: 'breaker',
    message: 'a.example:25 is left out until 15:07:40 UTC: refused',
    until: T + 60_000,
  })
  taken.end(true)
  clock.pass(1_000)
  assert.deepEqual(
    [state.look(a).usable, state.look(b).usable],
    [false, true],
    'one dead server does not stop the others',
  )
  assert.deepEqual(state.look(termsExchange('other', 'a.example', terms)), { usable: true })
  assert.deepEqual(logged, ['a.example:25 is left out for 60 s: refused'])
  const common = { breaker: 'closed', failures: 0, held: false, connections: 0, waiting: 0 }
  assert.deepEqual(state.status(), [
    { ...common, key: '[direct:ms]', name: 'ms', sentLastHour: 1 },
    {
      ...common,
      key: 'a.example:25',
      terms: '[direct:ms]',
      breaker: 'open',
      failures: 1,
      lastFailure: 'refused',
      retryAt: T + 60_000,
      sentLastHour: 0,
    },
  ])
})

test('terms: a message that moves on frees the trial of the server', () => {
  const { clock, state, acquire } = setup()
  const [a, b] = ['a.example', 'b.example'].map((host) =>
    termsExchange(undefined, host, { retryAfterMs: 60_000 }),
  ) as [Exchange, Exchange]
  const failing = lease(acquire(a))
  failing.reportFailure({ stage: 'connect', message: 'refused' })
  failing.end(false)
  clock.pass(60_000)
  const trying = lease(acquire(a))
  assert.equal(state.look(a).usable, false, 'one message tries')
  trying.moveTo(b)
  assert.equal(state.look(a).usable, true)
  trying.moveTo(a)
  trying.reportSuccess()
  trying.end(true)
  assert.deepEqual(
    state.status().map(({ key }) => key),
    ['[direct]'],
  )
})

test('terms without retry_after never leave a server out', () => {
  const { state, acquire } = setup()
  const ms = termsExchange('ms', 'a.example')
  const taken = lease(acquire(ms))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  taken.end(false)
  assert.equal(state.look(ms).usable, true)
})

test('terms: a hold by name stops mail to all their servers', () => {
  const { acquire } = setup({ folder: folder([{ name: 'ms', since: T }]) })
  for (const host of ['a.example', 'b.example']) {
    const refused = acquire(termsExchange('ms', host))
    assert.ok(isUnavailable(refused))
    assert.equal(refused.message, '[direct:ms] is held by hand')
  }
  lease(acquire(termsExchange(undefined, 'a.example')))
})

test('at most a hundred of the servers of terms that are left out are shown', () => {
  const { state, acquire } = setup()
  for (let i = 0; i < 150; i++) {
    const taken = lease(acquire(termsExchange('ms', `h${i}.example`, { retryAfterMs: 60_000 })))
    taken.reportFailure({ stage: 'connect', message: 'refused' })
    taken.end(false)
  }
  assert.equal(state.status().length, 101)
})

function folder(held: readonly Hold[]): StateFolder {
  return {
    holdOf: (name) => held.find((hold) => hold.name === name),
    holds: () => held,
    publish: () => {},
    noteChange: () => {},
    close: () => {},
  }
}
