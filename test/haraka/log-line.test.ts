import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResolveError } from '../../lib/model/errors'
import { attemptLine, logDecision, type LoggedDecision } from '../../lib/haraka/log-line'
import type { Decision } from '../../lib/model/decision'
import type { LogFields } from '../../lib/haraka/log-entry'
import type { Loggable } from '../../lib/haraka-objects/plugin'
import { Secret } from '../../lib/model/secret'
import { messageOf } from '../support/rules'
import { mxExchange, relayExchange } from '../support/servers'

/** What the line of a decision has beside its text. */
function fieldsOf(logged: LoggedDecision): LogFields {
  const lines: (readonly unknown[])[] = []
  logDecision(
    { loginfo: (...parameters: unknown[]) => lines.push(parameters) } as unknown as Loggable,
    logged,
  )
  const [[text, fields]] = lines as [[string, LogFields]]
  assert.equal(text, 'decided')
  return fields
}

const decision: Decision = {
  domain: 'example.com',
  outcome: 'deliver',
  source: 'dns',
  matched: [],
  exchanges: [],
}
const message = messageOf({
  mailFrom: 'sender@here.example',
  rcptTo: ['user@example.com'],
  size: 1234,
})
const plain: LoggedDecision = {
  message,
  decision,
  located: [],
  action: 'try',
}
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

const NOTHING = {
  domain: 'example.com',
  sender: 'sender@here.example',
  recipients: 1,
  recipient: 'user@example.com',
  size: 1234,
  retries: 0,
  action: 'try',
  source: 'dns',
  lines: [],
  exchanges: [],
  mx: 'not asked',
  addresses: [],
}

const decisions: [string, LoggedDecision, LogFields][] = [
  ['nothing at all', plain, NOTHING],
  [
    'what DNS gave, and how',
    {
      ...plain,
      decision: {
        ...decision,
        mx: { kind: 'mx', records: [], how: 'cached', server: '192.0.2.53:53', ttlSeconds: 42 },
      },
      located: [
        {
          exchange: dns,
          answer: {
            kind: 'addresses',
            addresses: ['192.0.2.1', '192.0.2.2'],
            how: 'stale',
            server: '192.0.2.53:53',
            ttlSeconds: 0,
          },
        },
      ],
    },
    {
      ...NOTHING,
      exchanges: ['10:mx.example.com:25(dns)'],
      mx: 'mx cached@192.0.2.53:53/42s',
      addresses: ['mx.example.com 192.0.2.1 192.0.2.2 stale@192.0.2.53:53/0s'],
    },
  ],
  [
    'lines and a named relay with a user, and no password',
    {
      ...plain,
      message: { ...message, retries: 3 },
      decision: { ...decision, source: 'overrides', matched: [3, 7] },
      located: [
        {
          exchange: relay,
          answer: {
            kind: 'addresses',
            addresses: ['2001:db8::1'],
            how: 'fresh',
            server: 'literal',
            ttlSeconds: 0,
          },
        },
      ],
    },
    {
      ...NOTHING,
      retries: 3,
      source: 'overrides',
      lines: [3, 7],
      exchanges: ['5:@backup=fred@[2001:db8::1]:587(line 7)'],
      addresses: ['2001:db8::1 2001:db8::1'],
    },
  ],
  [
    'failures and their reason',
    {
      ...plain,
      decision: { ...decision, outcome: 'defer', mx: { kind: 'failed', error } },
      located: [{ exchange: dns, answer: { kind: 'failed', error } }],
      action: 'defer',
      reason: 'a "b" \\ c',
    },
    {
      ...NOTHING,
      action: 'defer',
      exchanges: ['10:mx.example.com:25(dns)'],
      mx: 'failed: no answer within 5 s',
      addresses: ['mx.example.com failed: no answer within 5 s'],
      reason: 'a "b" \\ c',
    },
  ],
]
for (const [name, logged, fields] of decisions) {
  test(`the fields of a decision: ${name}`, () => assert.deepEqual(fieldsOf(logged), fields))
}

test('the null sender is logged as <>, and several recipients as their number', () => {
  const fields = fieldsOf({
    ...plain,
    message: { ...message, mailFrom: '', rcptTo: ['a@example.com', 'b@example.com'] },
  })
  assert.equal(fields.sender, '<>')
  assert.equal(fields.recipients, 2)
  assert.equal('recipient' in fields, false)
})

test('no field has a name that Haraka uses', () => {
  for (const own of ['level', 'message', 'name', 'origin', 'uuid']) {
    assert.equal(own in fieldsOf({ ...plain, reason: 'x' }), false)
  }
})

test('text from outside cannot make a second line or control a terminal', () => {
  const evil = 'a\r\nb\u0000\u001b[2J\u0085\u2028\u202e\u007f'
  const logged: unknown[] = []
  const log = { loginfo: (...parameters: unknown[]) => logged.push(...parameters) } as unknown as Loggable
  logDecision(log, {
    ...plain,
    message: { ...message, mailFrom: evil, rcptTo: [evil] },
    reason: evil,
    decision: { ...decision, domain: evil },
  })
  assert.doesNotMatch(JSON.stringify(logged).replaceAll('\\\\', ''), /[\p{Cc}\p{Cf}\u2028]|\\[a-z]/u)
})

test('the line of an attempt says what became of it in the words of the status page', () => {
  const report = { delivered: false, bounced: false, connections: [], deferral: '' }
  assert.equal(attemptLine(report), 'attempt ended, not delivered: no connection tried')
  assert.equal(attemptLine({ ...report, bounced: true }), 'attempt ended, bounced: no connection tried')
  assert.equal(attemptLine({ ...report, delivered: true }), 'attempt ended, delivered: no connection tried')
})
