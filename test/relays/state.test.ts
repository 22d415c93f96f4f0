import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRelayState, type RelayStateOptions } from '../../lib/relays/state'
import type { Snapshot, StateFolder } from '../../lib/relays/state-folder'
import type { Lease } from '../../lib/relays/types'
import { Secret } from '../../lib/model/secret'
import { relayExchange, type RelayFields } from '../support/servers'

const T = 1_750_000_000_000
const HOUR = 3_600_000

function setup(options: Partial<RelayStateOptions> = {}) {
  const clock = { now: T }
  const logged: string[] = []
  const state = createRelayState({
    now: () => clock.now,
    log: { info: (text) => logged.push(text), warn: (text) => logged.push(text) },
    workers: 1,
    ...options,
  })
  return { clock, logged, state }
}

const user = (name: string) => ({ user: name, password: new Secret('hidden') })

const exchange = (more: Partial<RelayFields> = {}) => relayExchange({ host: 'smtp.example', ...more })

function mustEnter(entered: ReturnType<ReturnType<typeof setup>['state']['enter']>): Lease {
  assert.ok(!('usable' in entered), JSON.stringify(entered))
  return entered
}

test('a failure leaves a relay out, a later success takes it back, and both are said once', () => {
  const { clock, logged, state } = setup()
  const isp = exchange({ name: 'isp' })
  const lease = mustEnter(state.enter(isp, false))
  lease.reportFailure({ kind: 'connect', message: 'refused' })
  lease.end(false)
  assert.deepEqual(state.look(isp), {
    usable: false,
    why: 'breaker',
    message: 'relay isp is left out until 15:07:40 UTC: refused',
    until: T + 60_000,
  })
  assert.deepEqual(state.enter(isp, false), state.look(isp))
  clock.now += 60_000
  const trial = mustEnter(state.enter(isp, false))
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

test('a trial that ends without outcome leaves the next message to try', () => {
  const { clock, state } = setup()
  const lease = mustEnter(state.enter(exchange(), false))
  lease.reportFailure({ kind: 'greeting', message: '554' })
  lease.end(false)
  clock.now += 60_000
  mustEnter(state.enter(exchange(), false)).end(false)
  mustEnter(state.enter(exchange(), false))
})

test('the last resort passes the breaker, and neither holds nor limits', () => {
  const { state } = setup({ folder: folder(['isp']) })
  const other = exchange({ host: 'other.example', maxConnections: 1 })
  const lease = mustEnter(state.enter(other, false))
  lease.reportFailure({ kind: 'tls', message: 'no TLS' })
  assert.equal('usable' in state.enter(other, true), true, 'its one connection is in use')
  lease.end(false)
  assert.equal('usable' in state.enter(other, false), true)
  mustEnter(state.enter(other, true))
  assert.deepEqual(state.enter(exchange({ name: 'isp' }), true), {
    usable: false,
    why: 'held',
    message: 'relay isp is held by hand',
  })
})

test('host, port and user make a server; nothing else is shared', () => {
  const { state } = setup()

  const lease = mustEnter(state.enter(exchange({ credentials: user('fred') }), false))
  lease.reportFailure({ kind: 'auth', message: '535' })
  assert.equal(state.look(exchange({ credentials: user('fred'), name: 'other name' })).usable, false)
  for (const other of [exchange(), exchange({ credentials: user('joe') }), exchange({ port: 587 })]) {
    assert.deepEqual(state.look(other), { usable: true })
  }
  assert.ok(!JSON.stringify(state.status()).includes('hidden'))
})

test('connections: as many at once as allowed, each given back once', () => {
  const { clock, state } = setup()
  const two = exchange({ name: 'isp', maxConnections: 2 })
  const first = mustEnter(state.enter(two, false))
  mustEnter(state.enter(two, false))
  assert.deepEqual(state.enter(two, false), {
    usable: false,
    why: 'connections',
    message: 'relay isp has its max_connections of 2 in use',
    until: T + 1_000,
  })
  clock.now += 400
  first.end(true)
  first.end(true)
  mustEnter(state.enter(two, false))
  assert.equal('usable' in state.enter(two, false), true)
})

test('quota: messages that were taken in any 60 minutes, and those on the way', () => {
  const { clock, state } = setup()
  const three = exchange({ name: 'isp', maxPerHour: 3 })
  mustEnter(state.enter(three, false)).end(false)
  mustEnter(state.enter(three, false)).end(true)
  clock.now += 60_000
  mustEnter(state.enter(three, false)).end(true)
  const onTheWay = mustEnter(state.enter(three, false))
  const refused = state.enter(three, false)
  assert.ok('usable' in refused)
  assert.equal(refused.why, 'quota')
  assert.equal(refused.message, 'relay isp has had its max_per_hour of 3')
  assert.ok(refused.until! > T + HOUR && refused.until! <= T + HOUR + 10_000)
  onTheWay.end(false)
  mustEnter(state.enter(three, false)).end(true)
  assert.equal(state.look(three).usable, false)
  clock.now = refused.until!
  assert.equal(state.look(three).usable, true)
})

test('each worker keeps to its share', () => {
  const taken = Array.from({ length: 4 }, (_, workerIndex) => {
    const { state } = setup({ workers: 4, workerIndex })
    const hop = exchange({ maxConnections: 6 })
    let count = 0
    while (!('usable' in state.enter(hop, false))) count++
    return count
  })
  assert.deepEqual(taken, [2, 2, 1, 1])
})

test('each message gets the next rotation offset', async () => {
  const { state } = setup()
  assert.deepEqual(
    [await state.nextRotationOffset(), await state.nextRotationOffset(), await state.nextRotationOffset()],
    [0, 1, 2],
  )
})

test('what is remembered is bounded, and what is in use is not forgotten', () => {
  const { state } = setup({ capacity: 100 })
  mustEnter(state.enter(exchange({ host: 'used.example' }), false))
  for (let i = 0; i < 1_000; i++) mustEnter(state.enter(exchange({ host: `h${i}.example` }), false)).end(true)
  const keys = state.status().map(({ key }) => key)
  assert.equal(keys.length, 100)
  assert.ok(keys.includes('used.example:25'))
  assert.ok(keys.includes('h999.example:25'))
})

test('status: what there is to see', () => {
  const { state } = setup({ folder: folder(['isp'], { 'old.example:25': [[T - 60_000, 7]] }) })
  mustEnter(state.enter(exchange({ host: 'a.example', name: 'a' }), false))
  const lease = mustEnter(state.enter(exchange({ host: '2001:db8::1' }), false))
  lease.reportFailure({ kind: 'connect', message: 'refused' })
  lease.end(false)
  assert.deepEqual(state.status(), [
    { key: 'old.example:25', breaker: 'closed', failures: 0, held: false, connections: 0, sentLastHour: 7 },
    {
      key: 'a.example:25',
      name: 'a',
      breaker: 'closed',
      failures: 0,
      held: false,
      connections: 1,
      sentLastHour: 0,
    },
    {
      key: '[2001:db8::1]:25',
      breaker: 'open',
      failures: 1,
      lastFailure: 'refused',
      retryAt: T + 60_000,
      held: false,
      connections: 0,
      sentLastHour: 0,
    },
  ])
})

function folder(held: readonly string[], sent: Snapshot['sent'] = {}): StateFolder {
  return {
    held: (name) => held.includes(name),
    rank: () => undefined,
    inherited: Object.entries(sent).map(([key, entries]) => ({
      key,
      sent: entries.map(([at, amount]) => [at, amount] as const),
    })),
    publish: () => {},
    changed: () => {},
    close: () => {},
  }
}
