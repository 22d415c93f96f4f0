import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../lib/model/secret'
import { CLEAR, SECURE, credentials, makeSession, type Line, play, HELLO } from '../support/session-play'

test('lines of AUTH are secret until the reply', () => {
  const conversation = makeSession({ credentials })
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
  assert.ok(makeSession({ credentials }).mayHoldSecret)
  const conversation = makeSession()
  play(conversation, [...HELLO, ['S: 250 AUTH CRAM-MD5']], SECURE)
  assert.equal(conversation.mayHoldSecret, false)
  play(conversation, [['C: AUTH CRAM-MD5'], ['S: 334 Pz8=']], SECURE)
  assert.ok(conversation.mayHoldSecret)
  play(conversation, [['C: ZnJlZCBwcm9vZg=='], ['S: 235 fine'], ['C: MAIL FROM:<>']], SECURE)
  assert.ok(conversation.mayHoldSecret, 'a server may repeat the proof later')
  assert.equal(conversation.redact('ZnJlZCBwcm9vZg=='), '****')
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
    const conversation = makeSession({ credentials })
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
  const conversation = makeSession({ credentials })
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

test('a password that is a code or a word of SMTP does not hide replies and offers', () => {
  for (const word of ['250', '220', 'auth', 'login', 'starttls']) {
    const login = { user: 'fred', password: new Secret(word) }
    const conversation = makeSession({ credentials: login })
    const offers: readonly Line[] = [...HELLO, ['S: 250-STARTTLS'], ['S: 250 AUTH LOGIN']]
    assert.equal(play(conversation, offers, CLEAR), '250 AUTH LOGIN', word)
    assert.ok(conversation.extensions.offersStartTls, word)
    const said = play(conversation, [['C: NOOP'], [`S: 250 you said ${word}`]], CLEAR)
    assert.equal(said, '250 you said ****', word)
  }
})

test('a password that begins like a reply is redacted where a relay repeats it', () => {
  const login = { user: 'fred', password: new Secret('220 open sesame') }
  const said = play(makeSession({ credentials: login }), [['S: 220 open sesame']], CLEAR)
  assert.doesNotMatch(said, /sesame/)
})
