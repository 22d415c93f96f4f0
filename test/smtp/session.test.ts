import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../lib/model/secret'
import { Session } from '../../lib/smtp/session'
import type { Encryption, SessionOptions } from '../../lib/smtp/session-types'

const CLEAR: Encryption = { encrypted: false, verified: false }
const SECURE: Encryption = { encrypted: true, verified: true }
const UNVERIFIED: Encryption = { encrypted: true, verified: false }

const credentials = { user: 'fred', password: new Secret('s3same-open') }

/** A session with a relay, as it begins. */
function session(more: Partial<SessionOptions> = {}): Session {
  const { implicitTls = false } = more
  const made = new Session({
    tls: 'opportunistic',
    implicitTls,
    lmtp: false,
    isRelay: true,
    allowPlaintextAuth: false,
    nextMx: 'connection',
    recipients: 1,
    ...more,
  })
  if (implicitTls) made.noteTlsStarted()
  return made
}

/** One line of a conversation: sent (`C: `), received (`S: `), and what comes of it where that is not passing it on as it is. */
type Line = readonly [text: string, becomes?: string]

/** Plays a conversation; TLS begins after the answer to STARTTLS. Gives what became of the last line. */
function play(conversation: Session, lines: readonly Line[], channel = CLEAR, upgraded = SECURE): string {
  let current = channel
  let upgrading = false
  let last = ''
  for (const [text, becomes] of lines) {
    const line = text.slice(3)
    if (text.startsWith('C: ')) {
      if (upgrading) {
        conversation.noteTlsStarted()
        current = upgraded
        upgrading = false
      }
      upgrading = line === 'STARTTLS'
      last = conversation.send(`${line}\r\n`, current)?.message ?? line
    } else {
      const verdict = conversation.receive(`${line}\r\n`, !line.endsWith('+'), current)
      last =
        verdict.kind === 'fail'
          ? verdict.failure.message
          : verdict.kind === 'pass'
            ? verdict.line.trimEnd()
            : 'dropped'
    }
    if (becomes !== undefined) assert.equal(last, becomes)
    else if (text !== lines.at(-1)?.[0]) assert.equal(last, line)
  }
  return last
}

const HELLO: readonly Line[] = [['S: 220 x'], ['C: EHLO me']]

test('STARTTLS is visible to Haraka only if it should use it', () => {
  const offered = 'S: 250-STARTTLS'
  assert.equal(play(session(), [...HELLO, [offered]]), '250-STARTTLS')
  assert.equal(play(session({ tls: 'off' }), [...HELLO, [offered]]), 'dropped')
  assert.equal(play(session({ tls: 'off' }), [...HELLO, ['S: 250 STARTTLS']]), '250 OK')
  assert.equal(play(session({ implicitTls: true }), [...HELLO, [offered]], SECURE), 'dropped')
})

test('data received in clear is not used as a reply under TLS', () => {
  const before: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: STARTTLS']]
  assert.equal(play(session(), [...before, ['S: 220 go']]), '220 go')
  assert.equal(
    play(session(), [...before, ['S: 220 go+']]),
    'it sent data in clear after STARTTLS',
    'half a line in the same packet',
  )
  assert.equal(
    play(session(), [...before, ['S: 220 go'], ['S: 250 x']]),
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
  assert.equal(play(session({ tls: 'required' }), lines), 'MAIL FROM:<>')
  assert.equal(
    play(session({ tls: 'required' }), lines, CLEAR, UNVERIFIED),
    'TLS is required, and its certificate was not verified',
  )
})

test("if Haraka's settings prevent STARTTLS nothing is sent in clear", () => {
  const lines: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: MAIL FROM:<>']]
  assert.equal(
    play(session({ tls: 'required' }), lines),
    'TLS is required, and the connection is not encrypted (outbound.ini or tls.ini keeps Haraka from STARTTLS)',
  )
})

test('lines of AUTH are secret until the reply', () => {
  const conversation = session({ credentials })
  play(conversation, [...HELLO, ['S: 250 AUTH LOGIN']], SECURE)
  const sent = () => conversation.redactCommand('c2VzYW1l')
  assert.equal(sent(), 'c2VzYW1l')
  play(conversation, [['C: AUTH LOGIN']], SECURE)
  assert.equal(sent(), '****')
  play(
    conversation,
    [
      ['S: 334 anything', '334 VXNlcm5hbWU6'],
      ['C: MAIL'],
      ['S: 334 else', '334 UGFzc3dvcmQ6'],
      ['C: c2VzYW1l'],
    ],
    SECURE,
  )
  assert.equal(sent(), '****')
  play(conversation, [['S: 235 fine'], ['C: MAIL FROM:<>']], SECURE)
  assert.equal(sent(), 'c2VzYW1l')
})

test('a conversation may contain a secret from the start with a login of the relay, otherwise from AUTH', () => {
  assert.ok(session({ credentials }).mayHoldSecret)
  const conversation = session()
  play(conversation, [...HELLO, ['S: 250 AUTH CRAM-MD5']], SECURE)
  assert.equal(conversation.mayHoldSecret, false)
  play(conversation, [['C: AUTH CRAM-MD5'], ['S: 334 Pz8=']], SECURE)
  assert.ok(conversation.mayHoldSecret)
  play(conversation, [['C: ZnJlZCBwcm9vZg=='], ['S: 235 fine'], ['C: MAIL FROM:<>']], SECURE)
  assert.ok(conversation.mayHoldSecret, 'a server may repeat the proof later')
  assert.equal(conversation.redact('ZnJlZCBwcm9vZg=='), '****')
})

test('LOGIN prompts twice and CRAM-MD5 once, and not more', () => {
  for (const [mechanism, prompts] of [
    ['LOGIN', 2],
    ['CRAM-MD5', 1],
  ] as const) {
    const conversation = session({ credentials })
    play(conversation, [...HELLO, [`S: 250 AUTH ${mechanism}`], [`C: AUTH ${mechanism}`]], SECURE)
    for (let i = 0; i < prompts; i++) assert.match(play(conversation, [['S: 334 Pz8=']], SECURE), /^334/)
    assert.equal(play(conversation, [['S: 334 Pz8=']], SECURE), 'it asked too often: 334 Pz8=')
  }
})

test("from the first recipient on a failure is not the relay's", () => {
  const to = [
    ...HELLO,
    ['S: 250 x'],
    ['C: MAIL FROM:<>'],
    ['S: 250 y'],
    ['C: RCPT TO:<a@d.example>'],
  ] as const
  const conversation = session()
  play(conversation, to)
  assert.equal(conversation.didItsPart, false)
  assert.equal(play(conversation, [['S: 550 no such user']]), '550 no such user')
  assert.equal(conversation.didItsPart, true)
  for (const line of ['C: DATA', 'S: 550 not today', 'C: .', 'S: 451 disk full']) {
    assert.equal(play(conversation, [[line]]), line.slice(3))
  }
})

test('a refused sender is not a failure of the relay, but a request for authentication is', () => {
  for (const [reply, accepted, becomes] of [
    ['550 not you', true, '550 not you'],
    ['451 later', true, '451 later'],
    ['421 going', false, 'it is closing: 421 going'],
    ['530 first AUTH', false, 'it asks for authentication: 530 first AUTH'],
    ['538 first TLS', false, 'it asks for authentication: 538 first TLS'],
  ] as const) {
    const conversation = session()
    assert.equal(play(conversation, [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>'], [`S: ${reply}`]]), becomes)
    assert.equal(conversation.didItsPart, accepted)
  }
})

test('a foreign reply is logged on one line and is cut', () => {
  const said = play(session(), [
    [`S: 554-\u001b[31mred\u0000`, '554-\ufffd[31mred\ufffd'],
    [`S: 554 ${'x'.repeat(500)}`],
  ])
  assert.doesNotMatch(said, /\p{Cc}/u)
  assert.ok(said.length <= 'it greeted with '.length + 500)
})

test('a final reply reaches Haraka printable with at most 500 characters', () => {
  const conversation = session()
  play(conversation, [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>']])
  const shown = [
    `550-5.7.1 one\rtwo\0${'x'.repeat(300)}\r\n`,
    `550-5.7.1 ${'y'.repeat(300)}\n`,
    '550-5.7.1 no room\r\n',
    '550 5.7.1 end\r\n',
  ].map((line) => {
    const verdict = conversation.receive(line, true, CLEAR)
    return verdict.kind === 'pass' ? verdict.line : verdict.kind
  })
  const text = shown.filter((line) => line !== 'drop').map((line) => line.slice(4, -2))
  assert.deepEqual([shown[2], shown[3]], ['drop', '550 \r\n'])
  assert.ok(text.join(' ').length <= 500)
  assert.match(text[0]!, /^5\.7\.1 one\ufffdtwo\ufffdx+$/)
  assert.match(shown[1]!, /^550-5\.7\.1 y+\.\.\.\r\n$/)
})

test('an endless reply is refused, and costs only its lines', () => {
  const conversation = session()
  const started = process.cpuUsage()
  let lines = 0
  const verdicts = Array.from({ length: 100_000 }, () => {
    const verdict = conversation.receive(`220-${'x'.repeat(100)}\r\n`, true, CLEAR)
    if (verdict.kind === 'pass') lines++
    return verdict
  })
  assert.equal(lines, 5, 'and Haraka sees 500 characters')
  assert.deepEqual(verdicts.at(-1), {
    kind: 'fail',
    failure: {
      stage: 'greeting',
      kind: 'connection',
      message: 'its reply has more than 500 lines',
      mayGoClear: false,
      polite: false,
    },
  })
  assert.ok(process.cpuUsage(started).user < 5_000_000, 'one line costs the same as the one before')
})

test('a secret that a relay repeats during AUTH is not logged', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const plain = base64('\0fred\0s3same-open')
  const answers = { PLAIN: [plain], LOGIN: [base64('fred'), base64('s3same-open')] }
  for (const [mechanism, reply, becomes] of [
    [
      'PLAIN',
      `500 Command unrecognized: "AUTH PLAIN ${plain}"`,
      '500 Command unrecognized: "AUTH PLAIN ****"',
    ],
    ['PLAIN', '535 fred may not enter with s3same-open', '535 fred may not enter with ****'],
    ['LOGIN', `535 fred, ${base64('s3same-open')} is wrong`, '535 fred, **** is wrong'],
    ['LOGIN', '535 fred may not enter with s3same-open', '535 fred may not enter with ****'],
  ] as const) {
    const conversation = session({ credentials })
    const [first, ...more] = answers[mechanism]
    const begin = mechanism === 'PLAIN' ? `C: AUTH PLAIN ${first}` : 'C: AUTH LOGIN'
    play(conversation, [...HELLO, [`S: 250 AUTH ${mechanism}`], [begin]], SECURE)
    const asked = mechanism === 'PLAIN' ? [] : [first, ...more]
    asked.forEach((text, i) => {
      play(conversation, [[`S: 334 ${['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'][i]}`], [`C: ${text}`]], SECURE)
    })
    assert.equal(play(conversation, [[`S: ${reply}`]], SECURE), `it refused AUTH: ${becomes}`)
  }
})

test('a password that is repeated after RCPT is redacted in each form and in capitals', () => {
  const conversation = session({ credentials })
  const plain = Buffer.from('\0fred\0s3same-open').toString('base64')
  const before: readonly Line[] = [
    ...HELLO,
    ['S: 250 AUTH PLAIN'],
    [`C: AUTH PLAIN ${plain}`],
    ['S: 235 fine'],
    ['C: MAIL FROM:<>'],
    ['S: 250 x'],
    ['C: RCPT TO:<a@d.example>'],
  ]
  play(conversation, before, SECURE)
  const echo = `S: 550 5.1.1 s3same-open S3SAME-OPEN ${plain} ${plain.replace(/=+$/, '')} no such user`
  assert.equal(play(conversation, [[echo]], SECURE), '550 5.1.1 **** **** **** **** no such user')
  assert.equal(conversation.report.reply?.text, '550 5.1.1 **** **** **** **** no such user')
  assert.equal(play(conversation, [['C: QUIT'], ['S: 221 s3same-open']], SECURE), '221 ****')
})

test('AUTH=PLAIN is passed to Haraka as AUTH PLAIN', () => {
  for (const [offers, becomes] of [
    [['S: 250-x', 'S: 250 AUTH=PLAIN'], '250 AUTH PLAIN'],
    [['S: 250-x', 'S: 250-AUTH LOGIN', 'S: 250 AUTH=PLAIN LOGIN'], '250 AUTH LOGIN PLAIN'],
    [['S: 250-x', 'S: 250 auth=plain'], '250 AUTH PLAIN'],
  ] as const) {
    const conversation = session({ credentials })
    assert.equal(play(conversation, [...HELLO, ...offers.map((text) => [text] as const)], SECURE), becomes)
    assert.ok(conversation.extensions.mechanisms.includes('PLAIN'))
  }
})

const ENVELOPE: readonly Line[] = [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>']]

test('a 5xx that asks for authentication, by code or text, is a failure of a relay, and final at an MX host', () => {
  for (const [reply, asks] of [
    ['530 5.7.0 Authentication required', true],
    ['550 5.7.8 Bad credentials', true],
    ['554 5.7.9 Mechanism too weak', true],
    ['550 5.7.1 Client was not authenticated', true],
    ['550 5.7.0 Please authenticate first', true],
    ['550-Please turn on SMTP Authentication in your mail client.\r\n', true],
    ['550 SMTP AUTH is required for this', true],
    ['554 You must log in to send', true],
    ['503 5.5.4 need EHLO and AUTH first', true],
    ['553 5.7.1 <a@b.example>: Sender address rejected: not logged in', true],
    ['550 Login required', true],
    ['550 5.7.1 Unauthenticated senders not allowed', true],
    ['553 5.7.1 <a@b.example>: Sender address rejected: not owned by user fred', false],
    ['550 5.7.1 Relaying denied', false],
    ['550 5.7.0 rejected by policy', false],
    ['550 5.7.26 Unauthenticated email is not accepted due to the DMARC policy', false],
    ['550 5.7.23 SPF validation failed, authentication required', false],
    ['550 5.1.1 no such user', false],
    ['450 4.7.1 please authenticate', false],
  ] as const) {
    for (const isRelay of [true, false]) {
      const text = reply.trim().replace('550-', '550 ')
      const becomes = play(session({ isRelay }), [...ENVELOPE, [`S: ${text}`]])
      assert.equal(becomes, isRelay && asks ? `it asks for authentication: ${text}` : text)
    }
  }
})

test('next_mx = temporary moves on after 4xx to MAIL, all RCPT, DATA and the final dot; other settings do not', () => {
  const rcpt: readonly Line[] = [...ENVELOPE, ['S: 250 y'], ['C: RCPT TO:<a@d.example>']]
  const data: readonly Line[] = [...rcpt, ['S: 250 z'], ['C: DATA']]
  for (const [lines, reply, failure] of [
    [ENVELOPE, '451 later', 'it deferred the sender: 451 later'],
    [rcpt, '451 later', 'it deferred every recipient: 451 later'],
    [data, '451 later', 'it deferred DATA: 451 later'],
    [[...data, ['S: 354 go'], ['C: .']], '451 later', 'it deferred the message: 451 later'],
    [rcpt, '550 never', undefined],
    [data, '554 never', undefined],
  ] as const) {
    for (const nextMx of ['no_answer', 'connection', 'temporary'] as const) {
      const conversation = session({ nextMx })
      const becomes = play(conversation, [...(lines as readonly Line[]), [`S: ${reply}`]])
      assert.equal(becomes, nextMx === 'temporary' && failure !== undefined ? failure : reply)
      assert.equal(conversation.didItsPart, true)
    }
  }
})

test('next_mx = temporary: one recipient that is accepted or refused keeps the message at the server', () => {
  for (const [first, second, moves] of [
    ['451 later', '452 later', true],
    ['250 fine', '451 later', false],
    ['451 later', '550 never', false],
    ['550 never', '451 later', false],
  ] as const) {
    const conversation = session({ nextMx: 'temporary', recipients: 2 })
    const becomes = play(conversation, [
      ...ENVELOPE,
      ['S: 250 y'],
      ['C: RCPT TO:<a@d.example>'],
      [`S: ${first}`],
      ['C: RCPT TO:<b@d.example>'],
      [`S: ${second}`],
    ])
    assert.equal(becomes, moves ? `it deferred every recipient: ${second}` : second)
  }
})

test('a lost connection is reported with its step, and whether there was a reply', () => {
  for (const [lines, stage, kind] of [
    [[], 'greeting', 'no-answer'],
    [[['S: 220-x']], 'greeting', 'no-answer'],
    [HELLO, 'ehlo', 'connection'],
    [ENVELOPE, 'mail', 'connection'],
    [[...ENVELOPE, ['S: 250 y'], ['C: RCPT TO:<a@d.example>']], 'rcpt', 'connection'],
  ] as const) {
    const conversation = session()
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
      const conversation = session(options)
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

test('the report has the last reply, and the reply to each refused recipient', () => {
  const conversation = session({ recipients: 2 })
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
