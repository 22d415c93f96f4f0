import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptCase, playAttempt } from '../../support/attempt-play'

const CASES: readonly AttemptCase[] = [
  [
    'with no exchange left the message is given back, with the failure of each',
    { candidates: ['a', 'b'] },
    ['failed connection', 'no connection'],
    [
      'connect a/192.0.2.1',
      'connect b/192.0.2.1',
      'give back: a:25: it said connection; b:25: no connection (b:25)',
    ],
  ],
  [
    'of many failures the last three are named',
    { candidates: ['a', 'b', 'c', 'd', 'e'] },
    Array(5).fill('failed connection'),
    [
      ...['a', 'b', 'c', 'd', 'e'].map((host) => `connect ${host}/192.0.2.1`),
      'give back: c:25: it said connection; d:25: it said connection; e:25: it said connection; and 2 before',
    ],
  ],
  [
    'a message waits for a relay at its limit',
    { candidates: ['@a'], answers: { a: ['connections'] } },
    [],
    ['wait for a:25: a: connections'],
  ],
  [
    'a message waits for a relay that has had all messages of the hour',
    { candidates: ['@a'], answers: { a: ['quota'] } },
    [],
    ['wait for a:25: a: quota'],
  ],
  [
    'a message for a held relay waits until it is resumed',
    { candidates: ['@a'], answers: { a: ['held'] } },
    [],
    ['wait: a: held'],
  ],
  [
    'after a failure elsewhere a message still waits for a full relay, uncounted',
    { candidates: ['@a', 'b'], answers: { a: ['connections'] } },
    ['failed connection'],
    ['connect b/192.0.2.1', 'wait for a:25: a: connections'],
  ],
  [
    '[attempts]: a failure of the relay is not an attempt, and another relay is tried at once',
    { candidates: ['@a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'requeue in 0 s: the relay failed, not the recipient; another is tried next',
    ],
  ],
  [
    '[attempts]: without another relay the message waits for the interval of Haraka',
    { candidates: ['@a'], source: 'attempts', fallbackRelays: { b: false } },
    ['failed connection'],
    [
      'connect a/192.0.2.1',
      'failure a: it said connection',
      'end a',
      'requeue: the relay failed, not the recipient',
    ],
  ],
  [
    '[attempts]: if the chosen relay is full another one is tried at once',
    { candidates: ['@a'], source: 'attempts', answers: { a: ['quota'] }, fallbackRelays: { b: true } },
    [],
    ['requeue in 0 s: a: quota'],
  ],
  [
    '[attempts]: a direct attempt that fails is counted',
    { candidates: ['a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    ['connect a/192.0.2.1', 'give back: a:25: it said connection'],
  ],
  [
    '[attempts]: a direct attempt on terms is counted too, although its server is left out for a while',
    { candidates: ['ms!a'], source: 'attempts', fallbackRelays: { b: true } },
    ['failed connection'],
    ['connect a/192.0.2.1', 'failure a: it said connection', 'end a', 'give back: a:25: it said connection'],
  ],
  [
    'with nothing to try the reason names what was skipped',
    { candidates: [], passedOver: ['a:25: 127.0.0.1:25 is this server itself'] },
    [],
    ['give back: a:25: 127.0.0.1:25 is this server itself'],
  ],
]

for (const [what, setup, events, expected] of CASES) {
  test(what, () => assert.deepEqual(playAttempt(setup, ...events), expected))
}
