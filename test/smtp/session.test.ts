import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dialogue, type Channel, type Terms } from '../../lib/smtp/session'

const CLEAR: Channel = { encrypted: false, verified: false }
const SECURE: Channel = { encrypted: true, verified: true }
const UNVERIFIED: Channel = { encrypted: true, verified: false }

const terms = (more: Partial<Terms> = {}): Terms => ({
  tls: 'opportunistic',
  implicitTls: false,
  lmtp: false,
  credentials: false,
  authType: undefined,
  allowPlaintextAuth: false,
  ...more,
})

/** One line of a conversation: sent (`C: `), received (`S: `), and what comes of it where that is not passing it on as it is. */
type Line = readonly [text: string, becomes?: string]

/** Plays a conversation; TLS begins after the answer to STARTTLS. Gives what became of the last line. */
function play(dialogue: Dialogue, lines: readonly Line[], channel = CLEAR, upgraded = SECURE): string {
  let current = channel
  let upgrading = false
  let last = ''
  for (const [text, becomes] of lines) {
    const line = text.slice(3)
    if (text.startsWith('C: ')) {
      if (upgrading) {
        dialogue.secured()
        current = upgraded
        upgrading = false
      }
      upgrading = line === 'STARTTLS'
      last = dialogue.command(`${line}\r\n`, current)?.message ?? line
    } else {
      const verdict = dialogue.reply(`${line}\r\n`, !line.endsWith('+'), current)
      last =
        'fault' in verdict ? verdict.fault.message : 'pass' in verdict ? verdict.pass.trimEnd() : 'dropped'
    }
    if (becomes !== undefined) assert.equal(last, becomes)
    else if (text !== lines.at(-1)?.[0]) assert.equal(last, line)
  }
  return last
}

const HELLO: readonly Line[] = [['S: 220 x'], ['C: EHLO me']]

test('STARTTLS is shown to Haraka only where it is wanted', () => {
  const offered = 'S: 250-STARTTLS'
  assert.equal(play(new Dialogue(terms()), [...HELLO, [offered]]), '250-STARTTLS')
  assert.equal(play(new Dialogue(terms({ tls: 'off' })), [...HELLO, [offered]]), 'dropped')
  assert.equal(play(new Dialogue(terms({ tls: 'off' })), [...HELLO, ['S: 250 STARTTLS']]), '250 OK')
  assert.equal(play(new Dialogue(terms({ implicitTls: true })), [...HELLO, [offered]], SECURE), 'dropped')
})

test('nothing that came in clear is taken for something said under TLS', () => {
  const before: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: STARTTLS']]
  assert.equal(play(new Dialogue(terms()), [...before, ['S: 220 go']]), '220 go')
  assert.equal(
    play(new Dialogue(terms()), [...before, ['S: 220 go+']]),
    'it spoke in clear after STARTTLS',
    'half a line in the same packet',
  )
  assert.equal(
    play(new Dialogue(terms()), [...before, ['S: 220 go'], ['S: 250 x']]),
    'it spoke in clear after STARTTLS',
  )
})

test('required: a certificate that was not verified is none', () => {
  const lines: readonly Line[] = [
    ...HELLO,
    ['S: 250 STARTTLS'],
    ['C: STARTTLS'],
    ['S: 220 go'],
    ['C: EHLO me'],
    ['S: 250 x'],
    ['C: MAIL FROM:<>'],
  ]
  assert.equal(play(new Dialogue(terms({ tls: 'required' })), lines), 'MAIL FROM:<>')
  assert.equal(
    play(new Dialogue(terms({ tls: 'required' })), lines, CLEAR, UNVERIFIED),
    'TLS is required, and its certificate was not verified',
  )
})

test('Haraka kept from STARTTLS by its own settings sends nothing in clear', () => {
  const lines: readonly Line[] = [...HELLO, ['S: 250 STARTTLS'], ['C: MAIL FROM:<>']]
  assert.equal(
    play(new Dialogue(terms({ tls: 'required' })), lines),
    'TLS is required, and there is none (outbound.ini or tls.ini keeps Haraka from STARTTLS)',
  )
})

test('lines of AUTH are known as secrets until its answer', () => {
  const dialogue = new Dialogue(terms({ credentials: true }))
  play(dialogue, [...HELLO, ['S: 250 AUTH LOGIN']], SECURE)
  assert.equal(dialogue.challenging, false)
  play(dialogue, [['C: AUTH LOGIN']], SECURE)
  assert.equal(dialogue.challenging, true)
  play(
    dialogue,
    [
      ['S: 334 anything', '334 VXNlcm5hbWU6'],
      ['C: MAIL'],
      ['S: 334 else', '334 UGFzc3dvcmQ6'],
      ['C: c2VzYW1l'],
    ],
    SECURE,
  )
  assert.equal(dialogue.challenging, true)
  play(dialogue, [['S: 235 fine'], ['C: MAIL FROM:<>']], SECURE)
  assert.equal(dialogue.challenging, false)
})

test('LOGIN asks twice and CRAM-MD5 once, and no more', () => {
  for (const [mechanism, prompts] of [
    ['LOGIN', 2],
    ['CRAM-MD5', 1],
  ] as const) {
    const dialogue = new Dialogue(terms({ credentials: true }))
    play(dialogue, [...HELLO, [`S: 250 AUTH ${mechanism}`], [`C: AUTH ${mechanism}`]], SECURE)
    for (let i = 0; i < prompts; i++) assert.match(play(dialogue, [['S: 334 Pz8=']], SECURE), /^334/)
    assert.equal(play(dialogue, [['S: 334 Pz8=']], SECURE), 'it asked too often: 334 Pz8=')
  }
})

test('from the first recipient on it is between the relay and the recipient', () => {
  const to = [
    ...HELLO,
    ['S: 250 x'],
    ['C: MAIL FROM:<>'],
    ['S: 250 y'],
    ['C: RCPT TO:<a@d.example>'],
  ] as const
  const dialogue = new Dialogue(terms())
  play(dialogue, to)
  assert.deepEqual([dialogue.accepted, dialogue.over], [false, false])
  assert.equal(play(dialogue, [['S: 550 no such user']]), '550 no such user')
  assert.deepEqual([dialogue.accepted, dialogue.over], [true, false])
  play(dialogue, [['C: DATA']])
  assert.equal(dialogue.over, true)
})

test('a sender refused is no failure of the relay; authentication asked for is', () => {
  for (const [reply, accepted, becomes] of [
    ['550 not you', true, '550 not you'],
    ['451 later', true, '451 later'],
    ['421 going', true, '421 going'],
    ['530 first AUTH', false, 'it wants authentication: 530 first AUTH'],
    ['538 first TLS', false, 'it wants authentication: 538 first TLS'],
  ] as const) {
    const dialogue = new Dialogue(terms())
    assert.equal(play(dialogue, [...HELLO, ['S: 250 x'], ['C: MAIL FROM:<>'], [`S: ${reply}`]]), becomes)
    assert.equal(dialogue.accepted, accepted)
  }
})

test('what a foreign server says comes into the log on one line and not at length', () => {
  const said = play(new Dialogue(terms()), [[`S: 554-\u001b[31mred\u0000`], [`S: 554 ${'x'.repeat(500)}`]])
  assert.doesNotMatch(said, /\p{Cc}/u)
  assert.ok(said.length < 300)
})

test('a reply without end is no reply, and costs no more than its lines', () => {
  const dialogue = new Dialogue(terms())
  const started = process.cpuUsage()
  let lines = 0
  const verdicts = Array.from({ length: 100_000 }, () => {
    const verdict = dialogue.reply(`220-${'x'.repeat(100)}\r\n`, true, CLEAR)
    if ('pass' in verdict) lines++
    return verdict
  })
  assert.equal(lines, 500)
  assert.deepEqual(verdicts.at(-1), {
    fault: { kind: 'protocol', message: 'its reply has more than 500 lines' },
    polite: false,
  })
  assert.ok(process.cpuUsage(started).user < 5_000_000, 'one line costs the same as the one before')
})

test('a relay that repeats what was said in AUTH does not bring it into the log', () => {
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
    const dialogue = new Dialogue(terms({ credentials: true }))
    const [first, ...more] = answers[mechanism]
    const begin = mechanism === 'PLAIN' ? `C: AUTH PLAIN ${first}` : 'C: AUTH LOGIN'
    play(dialogue, [...HELLO, [`S: 250 AUTH ${mechanism}`], [begin]], SECURE)
    const asked = mechanism === 'PLAIN' ? [] : [first, ...more]
    asked.forEach((text, i) => {
      play(dialogue, [[`S: 334 ${['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'][i]}`], [`C: ${text}`]], SECURE)
    })
    assert.equal(play(dialogue, [[`S: ${reply}`]], SECURE), `it refused AUTH: ${becomes}`)
  }
})
