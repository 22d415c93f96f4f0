import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptCase, playAttempt } from '../../support/attempt-play'

const CASES: readonly AttemptCase[] = [
  [
    'a relay that is left out is skipped',
    { candidates: ['@a', 'b'], answers: { a: ['breaker'] } },
    ['served'],
    ['connect b/192.0.2.1'],
  ],
  [
    'last resort: if all breakers are open, the best exchange is tried',
    { candidates: ['@a', '@b'], answers: { a: ['breaker'], b: ['breaker'] } },
    ['failed connection'],
    [
      'last resort a',
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'give back: relay a: it said connection',
    ],
  ],
  [
    'no last resort if another exchange was tried',
    { candidates: ['@a', 'b'], answers: { a: ['breaker'] } },
    ['failed connection'],
    ['connect b/192.0.2.1', 'give back: b:25: it said connection'],
  ],
  [
    'last resort: beside a held relay the best exchange with an open breaker is tried',
    { candidates: ['@a', '@b'], answers: { a: ['held'], b: ['breaker'] } },
    ['served'],
    ['last resort b', 'connect b/192.0.2.1', 'success b', 'end b'],
  ],
  [
    'no last resort beside a full relay, because it will be free again',
    { candidates: ['@a', '@b'], answers: { a: ['breaker'], b: ['connections'] } },
    [],
    ['wait for b:25: b: connections'],
  ],
]

for (const [what, setup, events, expected] of CASES) {
  test(what, () => assert.deepEqual(playAttempt(setup, ...events), expected))
}
