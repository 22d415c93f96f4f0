import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptCase, playAttempt } from '../../support/attempt-play'

const CASES: readonly AttemptCase[] = [
  [
    'one connection of a section is used for all its exchanges in turn',
    { candidates: ['ms!a/192.0.2.1', 'ms!a/192.0.2.2', 'ms!b', 'c'] },
    ['failed connection', 'no connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'connect a/192.0.2.2',
      'failure a: no connection (a:25)',
      'move to b',
      'connect b/192.0.2.1',
      'failure b: it said connection',
      'end b',
      'connect c/192.0.2.1',
    ],
  ],
  [
    'a server of a section that is left out does not affect the others, and the connection is kept for them',
    { candidates: ['ms!a', 'ms!b', 'ms!c'], answers: { b: ['breaker'] } },
    ['failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'move to c',
      'connect c/192.0.2.1',
      'success c',
      'end c',
    ],
  ],
  [
    'last resort: if all servers of a section are left out, the best one is tried',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['breaker'], b: ['breaker'] } },
    ['served'],
    ['last resort a', 'connect a/192.0.2.1', 'success a', 'end a'],
  ],
  [
    'a full section is checked once for all its servers, and the next section is tried',
    { candidates: ['ms!a', '@isp', 'ms!b'], answers: { a: ['connections'] } },
    ['failed connection'],
    ['connect isp/192.0.2.1', 'failure isp: it said connection', 'end isp', 'wait for a:25: a: connections'],
  ],
  [
    'a message waits for a full section once, although another of its servers is left out',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['breaker', 'ok'], b: ['connections'] } },
    [],
    ['wait for b:25: b: connections'],
  ],
  [
    'the connection of a section is given back before another section is asked',
    { candidates: ['ms!a', 'other!b', 'ms!c'] },
    ['failed connection', 'failed connection', 'served'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'connect b/192.0.2.1',
      'failure b: it said connection',
      'end b',
      'connect c/192.0.2.1',
      'success c',
      'end c',
    ],
  ],
  [
    'a message for held terms waits, uncounted',
    { candidates: ['ms!a', 'ms!b'], answers: { a: ['held'] } },
    [],
    ['wait: a: held'],
  ],
]

for (const [what, setup, events, expected] of CASES) {
  test(what, () => assert.deepEqual(playAttempt(setup, ...events), expected))
}
