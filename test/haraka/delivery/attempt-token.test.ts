import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptPolicy } from '../../../lib/haraka/delivery/attempt-policy'
import { Secret } from '../../../lib/model/secret'
import type { Lease } from '../../../lib/relays/types'
import { mxExchange, relayExchange } from '../../support/servers'

const TOKEN_RELAY = relayExchange({
  host: 'cloud.example',
  name: 'cloud',
  authType: 'xoauth2',
  credentials: {
    user: 'u',
    oauth2: { tokenUrl: 'https://login.example/', clientId: 'id', clientSecret: new Secret('s') },
  },
})

/** An attempt at a relay that takes a token, then at another server; what happens to the lease is noted. */
function tokenAttempt() {
  const notes: string[] = []
  const lease: Lease = {
    reportSuccess: () => notes.push('success'),
    reportFailure: ({ stage, message }) => notes.push(`failure ${stage} ${message}`),
    moveTo: () => undefined,
    end: () => {},
  }
  const cloud = { exchange: TOKEN_RELAY, address: '192.0.2.1' }
  const second = { exchange: TOKEN_RELAY, address: '192.0.2.2' }
  const other = { exchange: mxExchange('mx.example'), address: '192.0.2.3' }
  const attempt = new AttemptPolicy(
    { candidates: [cloud, second, other], source: 'overrides', fallbackRelays: [], passedOver: [] },
    { look: () => ({ usable: true }), leave: () => notes.push('left') },
  )
  assert.equal(attempt.next().kind, 'acquire')
  attempt.noteAcquired(lease)
  assert.deepEqual(attempt.next(), { kind: 'token', candidate: cloud })
  return { attempt, notes, cloud, other }
}

test('while a token is requested the connection is given back, and no failure is reported', () => {
  const { attempt, notes } = tokenAttempt()
  const settled = Promise.resolve()
  attempt.noteToken({ kind: 'pending', settled })
  assert.deepEqual(attempt.next(), { kind: 'await-token', reason: 'relay cloud needs a token', settled })
  assert.deepEqual(notes, ['left'])
})

test('without a token the relay fails at all its addresses, and the next exchange is tried', () => {
  const { attempt, notes, other } = tokenAttempt()
  attempt.noteToken({ kind: 'failed', message: 'no token: it is down' })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: other, inClear: false })
  assert.deepEqual(notes, ['failure auth no token: it is down', 'left'])
})

test('after a refused token a new one is requested for the same address', () => {
  const { attempt, notes, cloud } = tokenAttempt()
  attempt.noteToken({ kind: 'ready', token: new Secret('t') })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: cloud, inClear: false })
  attempt.noteConnecting()
  attempt.noteConnected()
  attempt.noteRefusedToken(cloud)
  assert.deepEqual(attempt.next(), { kind: 'token', candidate: cloud })
  attempt.noteToken({ kind: 'ready', token: new Secret('u') })
  assert.deepEqual(attempt.next(), { kind: 'connect', candidate: cloud, inClear: false })
  assert.deepEqual(notes, [])
})
