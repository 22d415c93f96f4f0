import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLEAR,
  SECURE,
  UNVERIFIED,
  makeSession,
  credentials,
  type Line,
  play,
  HELLO,
  ENVELOPE,
} from '../support/session-play'

test('STARTTLS is visible to Haraka only if it should use it', () => {
  const offered = 'S: 250-STARTTLS'
  assert.equal(play(makeSession(), [...HELLO, [offered]]), '250-STARTTLS')
  assert.equal(play(makeSession({ tls: 'off' }), [...HELLO, [offered]]), 'dropped')
  assert.equal(play(makeSession({ tls: 'off' }), [...HELLO, ['S: 250 STARTTLS']]), '250 OK')
  assert.equal(play(makeSession({ implicitTls: true }), [...HELLO, [offered]], SECURE), 'dropped')
})

test('data received in clear is not used as a reply under TLS', () => {
  const before: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: STARTTLS']]
  assert.equal(play(makeSession(), [...before, ['S: 220 go']]), '220 go')
  assert.equal(
    play(makeSession(), [...before, ['S: 220 go+']]),
    'it sent data in clear after STARTTLS',
    'half a line in the same packet',
  )
  assert.equal(
    play(makeSession(), [...before, ['S: 220 go'], ['S: 250 x']]),
    'it sent data in clear after STARTTLS',
  )
})

test('required: a certificate that was not verified is not accepted', () => {
  const lines: readonly Line[] = [
    ...HELLO,
    ['S: 250 STARTTLS'],
    ['C: STARTTLS'],
    ['S: 220 go'],
    ['C: EHLO me'],
    ['S: 250 x'],
    ['C: MAIL FROM:<>'],
  ]
  assert.equal(play(makeSession({ tls: 'required' }), lines), 'MAIL FROM:<>')
  assert.equal(
    play(makeSession({ tls: 'required' }), lines, CLEAR, UNVERIFIED),
    'TLS is required, and its certificate was not verified',
  )
})

test("if Haraka's settings prevent STARTTLS nothing is sent in clear", () => {
  const lines: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: MAIL FROM:<>']]
  assert.equal(
    play(makeSession({ tls: 'required' }), lines),
    'TLS is required, and the connection is not encrypted (outbound.ini or tls.ini keeps Haraka from STARTTLS)',
  )
})

test('a lost connection is reported with its step, and whether there was a reply', () => {
  for (const [lines, stage, kind] of [
    [[], 'greeting', 'no-answer'],
    [[['S: 220-x']], 'greeting', 'no-answer'],
    [HELLO, 'ehlo', 'connection'],
    [ENVELOPE, 'mail', 'connection'],
    [[...ENVELOPE, ['S: 250 y'], ['C: RCPT TO:<a@d.example>']], 'rcpt', 'connection'],
  ] as const) {
    const conversation = makeSession()
    play(conversation, lines as readonly Line[])
    const { stage: failed, kind: how, message } = conversation.lose('ECONNRESET')
    assert.deepEqual([failed, how, message], [stage, kind, 'ECONNRESET'])
  }
})

test('after failed TLS the session continues in clear only if TLS is not required and no password would be sent', () => {
  const tls: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: STARTTLS']]
  for (const [options, mayGoClear] of [
    [{}, true],
    [{ tls: 'required' }, false],
    [{ credentials }, false],
    [{ credentials, allowPlaintextAuth: true }, true],
  ] as const) {
    for (const reply of ['454 not now', undefined]) {
      const conversation = makeSession(options)
      play(conversation, tls)
      if (reply !== undefined) play(conversation, [[`S: ${reply}`]])
      else {
        play(conversation, [['S: 220 go']])
        conversation.lose('ECONNRESET')
      }
      const { failure } = conversation.report
      assert.deepEqual([failure?.stage, failure?.mayGoClear], ['tls', mayGoClear])
    }
  }
})

test('a connection that is lost between TLS and the next reply is a failure of TLS', () => {
  const lines: readonly Line[] = [
    ...HELLO,
    ['S: 250 STARTTLS'],
    ['C: STARTTLS'],
    ['S: 220 go'],
    ['C: EHLO me'],
  ]
  for (const [options, mayGoClear] of [
    [{}, true],
    [{ tls: 'required' }, false],
    [{ credentials }, false],
  ] as const) {
    const conversation = makeSession(options)
    play(conversation, lines)
    const { stage, message, ...failure } = conversation.lose('it closed the connection')
    assert.deepEqual([stage, message], ['tls', 'it closed the connection right after TLS'])
    assert.equal(failure.mayGoClear, mayGoClear)
  }
  const later = makeSession()
  play(later, [...lines, ['S: 250 x'], ['C: MAIL FROM:<>']])
  assert.deepEqual(later.lose('ECONNRESET').stage, 'mail')
  const implicit = makeSession({ implicitTls: true })
  assert.equal(implicit.lose('timeout').stage, 'greeting')
})

test('the report has the last reply, and the reply to each refused recipient', () => {
  const conversation = makeSession({ recipients: 2 })
  play(conversation, [
    ...ENVELOPE,
    ['S: 250 2.1.0 y'],
    ['C: RCPT TO:<a@d.example>'],
    ['S: 550-5.1.1 no'],
    ['S: 550 5.1.1 such user'],
    ['C: RCPT TO:<b@d.example>'],
    ['S: 250 z'],
    ['C: QUIT'],
    ['S: 221 bye'],
  ])
  assert.deepEqual(conversation.report, {
    stage: 'rcpt',
    reply: { code: 250, text: '250 z' },
    failure: undefined,
    lmtp: false,
    refused: [
      {
        recipient: 'a@d.example',
        index: 0,
        stage: 'rcpt',
        reply: { code: 550, enhanced: '5.1.1', text: '550 5.1.1 no such user' },
      },
    ],
  })
})

const RECIPIENT: readonly Line[] = [...ENVELOPE, ['S: 250 y'], ['C: RCPT TO:<a@d.example>']]

test('each 2xx to RCPT is shown to Haraka as 250 (RFC 5321 4.3.2)', () => {
  const forwarded = makeSession()
  assert.equal(play(forwarded, [...RECIPIENT, ['S: 251 2.1.5 it is forwarded']]), '250 2.1.5 it is forwarded')
  assert.equal(forwarded.report.reply?.code, 251)
  assert.deepEqual(forwarded.report.refused, [])
  assert.equal(play(makeSession(), [...RECIPIENT, ['S: 252 will try']]), '250 will try')
})

test('the message is sent only after 354, and once (RFC 5321 4.1.1.4)', () => {
  const data: readonly Line[] = [...RECIPIENT, ['S: 250 z'], ['C: DATA']]
  assert.equal(play(makeSession(), [...data, ['S: 250 ready']]), 'it answered DATA with 250 ready')
  for (const again of ['354 go', '250 queued']) {
    const twice: readonly Line[] = [...data, ['S: 354 go on'], [`S: ${again}`]]
    assert.equal(play(makeSession(), twice), `it replied before the end of the message: ${again}`)
  }
  const early = makeSession()
  assert.equal(play(early, [...data, ['S: 354 go on'], ['S: 552 too large']]), '552 too large')
  assert.deepEqual([early.report.stage, early.report.failure], ['data', undefined])
  assert.equal(play(makeSession(), [...data, ['S: 354 go on'], ['C: .'], ['S: 250 taken']]), '250 taken')
})
