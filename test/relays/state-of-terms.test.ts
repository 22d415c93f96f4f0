import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnavailable } from '../../lib/relays/types'
import type { Exchange } from '../../lib/model/exchange'
import { termsExchange } from '../support/servers'
import { T, setUpState, expectLease, folderOf } from '../support/local-state'

test('terms: one limit for all their servers, and a breaker for each', () => {
  const { clock, logged, state, acquire } = setUpState()
  const terms = { retryAfterMs: 60_000, maxConnections: 1 }
  const [a, b] = ['a.example', 'b.example'].map((host) => termsExchange('ms', host, terms)) as [
    Exchange,
    Exchange,
  ]
  const taken = expectLease(acquire(a))
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
  const { clock, state, acquire } = setUpState()
  const [a, b] = ['a.example', 'b.example'].map((host) =>
    termsExchange(undefined, host, { retryAfterMs: 60_000 }),
  ) as [Exchange, Exchange]
  const failing = expectLease(acquire(a))
  failing.reportFailure({ stage: 'connect', message: 'refused' })
  failing.end(false)
  clock.pass(60_000)
  const trying = expectLease(acquire(a))
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
  const { state, acquire } = setUpState()
  const ms = termsExchange('ms', 'a.example')
  const taken = expectLease(acquire(ms))
  taken.reportFailure({ stage: 'connect', message: 'refused' })
  taken.end(false)
  assert.equal(state.look(ms).usable, true)
})

test('terms: a hold by name stops mail to all their servers', () => {
  const { acquire } = setUpState({ folder: folderOf([{ name: 'ms', since: T }]) })
  for (const host of ['a.example', 'b.example']) {
    const refused = acquire(termsExchange('ms', host))
    assert.ok(isUnavailable(refused))
    assert.equal(refused.message, '[direct:ms] is held by hand')
  }
  expectLease(acquire(termsExchange(undefined, 'a.example')))
})

test('at most a hundred of the servers of terms that are left out are shown', () => {
  const { state, acquire } = setUpState()
  for (let i = 0; i < 150; i++) {
    const taken = expectLease(acquire(termsExchange('ms', `h${i}.example`, { retryAfterMs: 60_000 })))
    taken.reportFailure({ stage: 'connect', message: 'refused' })
    taken.end(false)
  }
  assert.equal(state.status().length, 101)
})
