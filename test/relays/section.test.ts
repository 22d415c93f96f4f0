import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../lib/model/exchange'
import { Secret } from '../../lib/model/secret'
import { breakerKey, isOfRelay, needsPlace, sectionKey, sectionLabel, useKey } from '../../lib/relays/section'
import { mxExchange, relayExchange, termsExchange } from '../support/servers'

const fred = { user: 'fred', password: new Secret('hidden') }

const CASES: readonly (readonly [string, Exchange, readonly [string, string, string, string, boolean]])[] = [
  [
    'a named relay',
    relayExchange({ host: 'a.example', name: 'isp', credentials: fred }),
    ['isp', 'relay isp', 'fred@a.example:25', 'fred@a.example:25', true],
  ],
  [
    'a server of an override line',
    relayExchange({ host: 'a.example' }),
    ['a.example:25', 'a.example:25', 'a.example:25', 'a.example:25', true],
  ],
  [
    'an MX host on named terms',
    termsExchange('ms', 'a.example'),
    ['ms', '[direct:ms]', '[direct:ms]', '[direct:ms] a.example:25', true],
  ],
  [
    'an MX host on [direct], nothing of which is counted',
    mxExchange('a.example'),
    ['[direct]', '[direct]', '[direct]', '[direct] a.example:25', false],
  ],
  [
    'an MX host on [direct] with a limit',
    termsExchange(undefined, 'a.example', { maxPerHour: 5 }),
    ['[direct]', '[direct]', '[direct]', '[direct] a.example:25', true],
  ],
  [
    'an MX host on [direct] with retry_after',
    termsExchange(undefined, 'a.example', { retryAfterMs: 1_000 }),
    ['[direct]', '[direct]', '[direct]', '[direct] a.example:25', true],
  ],
]

for (const [what, exchange, expected] of CASES) {
  test(`the key of limits, holds and breakers: ${what}`, () => {
    const seen = [sectionKey, sectionLabel, useKey, breakerKey, needsPlace].map((of) => of(exchange))
    assert.deepEqual(seen, expected)
  })
}

test('reports of a relay and of direct mail are distinguished, also at an IPv6 address', () => {
  for (const key of ['a.example:25', '[2001:db8::1]:25', 'fred@[2001:db8::1]:587'])
    assert.ok(isOfRelay({ key }), key)
  for (const key of ['[direct]', '[direct:ms]']) assert.ok(!isOfRelay({ key }), key)
  assert.ok(!isOfRelay({ key: 'a.example:25', terms: '[direct]' }))
})
