import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResolveError } from '../../lib/model/errors'
import { decisionLine, type LoggedDecision } from '../../lib/haraka/log-line'
import type { Decision } from '../../lib/model/decision'
import { Secret } from '../../lib/model/secret'
import { mxExchange, relayExchange } from '../support/servers'

const decision: Decision = {
  domain: 'example.com',
  outcome: 'deliver',
  source: 'dns',
  matched: [],
  exchanges: [],
}
const plain: LoggedDecision = { id: 'M.1', retries: 0, decision, located: [], outcome: 'deliver' }
const dns = mxExchange('mx.example.com')
const relay = relayExchange(
  {
    name: 'backup',
    host: '2001:db8::1',
    port: 587,
    credentials: { user: 'fred', password: new Secret('Passw0rd') },
  },
  5,
  { kind: 'line', line: 7 },
)
const error = new ResolveError('no answer within 5 s', { code: 'ETIMEOUT', temporary: true })

const lines: [string, LoggedDecision, string][] = [
  [
    'nothing at all',
    plain,
    'message=M.1 domain=example.com retries=0 outcome=deliver source=dns lines=- exchanges=- mx="not asked" addresses=-',
  ],
  [
    'what DNS gave, and how',
    {
      ...plain,
      decision: {
        ...decision,
        mx: { kind: 'mx', records: [], how: 'cached', server: '192.0.2.53#53', ttl: 42 },
      },
      located: [
        {
          exchange: dns,
          answer: {
            kind: 'addresses',
            addresses: ['192.0.2.1', '192.0.2.2'],
            how: 'stale',
            server: '192.0.2.53#53',
            ttl: 0,
          },
        },
      ],
    },
    'message=M.1 domain=example.com retries=0 outcome=deliver source=dns lines=- exchanges=10:mx.example.com:25(dns) mx="mx cached@192.0.2.53#53/42s" addresses="mx.example.com 192.0.2.1,192.0.2.2 stale@192.0.2.53#53/0s"',
  ],
  [
    'lines and a named relay with a user, and no password',
    {
      ...plain,
      retries: 3,
      decision: { ...decision, source: 'overrides', matched: [3, 7] },
      located: [
        {
          exchange: relay,
          answer: { kind: 'addresses', addresses: ['2001:db8::1'], how: 'fresh', server: 'literal', ttl: 0 },
        },
      ],
    },
    'message=M.1 domain=example.com retries=3 outcome=deliver source=overrides lines=3,7 exchanges="5:@backup=fred@[2001:db8::1]:587(line 7)" mx="not asked" addresses="2001:db8::1 2001:db8::1"',
  ],
  [
    'failures and their reason',
    {
      ...plain,
      decision: { ...decision, outcome: 'defer', mx: { kind: 'failed', error } },
      located: [{ exchange: dns, answer: { kind: 'failed', error } }],
      outcome: 'defer',
      reason: 'a "b" \\ c',
    },
    'message=M.1 domain=example.com retries=0 outcome=defer source=dns lines=- exchanges=10:mx.example.com:25(dns) mx="failed: no answer within 5 s" addresses="mx.example.com failed: no answer within 5 s" reason="a \\"b\\" \\\\ c"',
  ],
]
for (const [name, told, line] of lines) {
  test(`one line: ${name}`, () => assert.equal(decisionLine(told), line))
}

test('nothing from outside makes a second line or a command of the terminal', () => {
  const evil = 'a\r\nb\u0000\u001b[2J\u0085\u2028\u202e\u007f'
  const line = decisionLine({
    ...plain,
    id: evil,
    reason: evil,
    decision: { ...decision, domain: evil },
  })
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u2028]/u)
})
