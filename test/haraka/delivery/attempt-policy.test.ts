import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptCase, AttemptPlay, playAttempt } from '../../support/attempt-play'

const CASES: readonly AttemptCase[] = [
  ['the first exchange accepts the message', { candidates: ['a', 'b'] }, ['served'], ['connect a/192.0.2.1']],
  [
    'a connection failure leads to the next address, and then to the next exchange',
    { candidates: ['a/192.0.2.1', 'a/192.0.2.2', 'b'] },
    ['failed connection', 'no connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.2', 'connect b/192.0.2.1'],
  ],
  [
    'next_mx = no_answer: a server that does not answer leads to the next, and one that fails ends the list',
    { candidates: ['a', 'b', 'c'], nextMx: 'no_answer' },
    ['no connection', 'failed connection'],
    [
      'connect a/192.0.2.1',
      'connect b/192.0.2.1',
      'give back: a:25: no connection (a:25); b:25: it said connection',
    ],
  ],
  [
    'next_mx = no_answer: a connection lost after the server accepted mail ends the list too',
    { candidates: ['a', 'b'], nextMx: 'no_answer' },
    ['served, failed connection data'],
    ['connect a/192.0.2.1', 'give back: a:25: it said connection data'],
  ],
  [
    'next_mx = temporary: a 4xx leads to the next exchange, and does not count against the relay',
    { candidates: ['@a', 'b'], nextMx: 'temporary' },
    ['served, failed temporary rcpt', 'served'],
    ['connect a/192.0.2.1', 'success a', 'end a', 'connect b/192.0.2.1'],
  ],
  [
    'after broken TLS the same address is tried once in clear, before the others',
    { candidates: ['a', 'b'] },
    ['failed connection tls clear', 'failed connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.1 in clear', 'connect b/192.0.2.1'],
  ],
  [
    'broken TLS does not count against a relay if the message is sent in clear',
    { candidates: ['@a'] },
    ['failed connection tls clear', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.1 in clear', 'success a', 'end a'],
  ],
  [
    'a relay has one lease for all its addresses, and fails when the last one fails',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2', 'b'] },
    ['failed connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'connect a/192.0.2.2',
      'failure a: it said connection',
      'end a',
      'connect b/192.0.2.1',
    ],
  ],
  [
    'a dead address does not count against a relay if another address answers',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2'] },
    ['no connection', 'served'],
    ['connect a/192.0.2.1', 'connect a/192.0.2.2', 'success a', 'end a'],
  ],
  [
    'a refused password is not tried at the other addresses',
    { candidates: ['@a/192.0.2.1', '@a/192.0.2.2', 'b'] },
    ['failed connection auth', 'served'],
    ['connect a/192.0.2.1', 'failure a: it said connection auth', 'end a', 'connect b/192.0.2.1'],
  ],
  [
    'a request for authentication at a later recipient counts against the relay',
    { candidates: ['@a'] },
    ['served, failed connection auth'],
    [
      'connect a/192.0.2.1',
      'success a',
      'failure a: it said connection auth',
      'end a',
      'give back: relay a: it said connection auth',
    ],
  ],
  [
    'a connection lost after the relay accepted mail does not count against it',
    { candidates: ['@a', 'b'] },
    ['served, failed connection data', 'served'],
    ['connect a/192.0.2.1', 'success a', 'end a', 'connect b/192.0.2.1'],
  ],
]

for (const [what, setup, events, expected] of CASES) {
  test(what, () => assert.deepEqual(playAttempt(setup, ...events), expected))
}

test('an address that Haraka skips as local is named, and does not count against the exchange', () => {
  const game = new AttemptPlay({ candidates: ['a', 'b'], nextMx: 'no_answer' }).next().skip().skip()
  assert.deepEqual(game.lines, [
    'connect a/192.0.2.1',
    'connect b/192.0.2.1',
    'give back: a:25: it is a local address; b:25: it is a local address',
  ])
})
