import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../lib/model/secret'
import { Session } from '../../lib/smtp/session'
import type { Encryption } from '../../lib/smtp/session-types'
import { initialResponse, TokenLogin, type TokenCredentials } from '../../lib/smtp/token-login'

const SECURE: Encryption = { encrypted: true, verified: true }
const TOKEN = 'ya29.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789'

const login = (more: Partial<TokenCredentials> = {}): TokenCredentials => ({
  user: 'fred@corp.example',
  token: new Secret(TOKEN),
  mechanism: 'xoauth2',
  endpoint: { host: 'smtp.example.net', port: 587 },
  ...more,
})

const decode = (text: string) => Buffer.from(text, 'base64').toString('utf8').replaceAll('\u0001', '|')

test('XOAUTH2 follows the documents of Google and Microsoft', () => {
  assert.equal(decode(initialResponse(login())), `user=fred@corp.example|auth=Bearer ${TOKEN}||`)
})

test('RFC 7628 section 3.1: OAUTHBEARER has host and port, and escapes comma and equals sign in the name', () => {
  const response = initialResponse(login({ mechanism: 'oauthbearer', user: 'a=b,c@corp.example' }))
  assert.equal(
    decode(response),
    `n,a=a=3Db=2Cc@corp.example,|host=smtp.example.net|port=587|auth=Bearer ${TOKEN}||`,
  )
})

test('RFC 4954 section 4: an initial response that is too long for the AUTH command is sent after it', () => {
  // 1 more character of the token is 1 or 2 more of base64.
  for (let length = 300; length < 400; length++) {
    const credentials = login({ token: new Secret('x'.repeat(length)) })
    const response = initialResponse(credentials)
    const whole = `AUTH XOAUTH2 ${response}`
    const exchange = new TokenLogin(credentials)
    const command = exchange.begin()
    assert.equal(command, whole.length <= 510 ? whole : 'AUTH XOAUTH2')
    if (command !== whole) assert.deepEqual(exchange.answer(''), { kind: 'say', line: response })
  }
})

/** A session that has got as far as its login. */
function loggingIn(credentials = login()): Session {
  const session = new Session({
    tls: 'required',
    implicitTls: true,
    lmtp: false,
    isRelay: true,
    allowPlaintextAuth: false,
    nextMx: 'connection',
    recipients: 1,
    credentials,
    authType: credentials.mechanism,
  })
  session.noteTlsStarted()
  session.receive('220 hello\r\n', true, SECURE)
  session.send('EHLO me\r\n', SECURE)
  return session
}

test('PLAIN is offered to Haraka if the mechanism is offered, and replaced when sent', () => {
  const session = loggingIn()
  const seen = session.receive('250 AUTH LOGIN XOAUTH2 PLAIN\r\n', true, SECURE)
  // The first line of the reply is the name of the server.
  assert.equal(seen.kind, 'pass')
  const offered = session.receive('250 AUTH LOGIN XOAUTH2 PLAIN\r\n', true, SECURE)
  assert.deepEqual(offered, { kind: 'pass', line: '250 AUTH PLAIN\r\n' })
  const command = 'AUTH PLAIN AGZyZWQAdG9rZW4=\r\n'
  assert.equal(session.redactCommand(command.trim()), 'AUTH XOAUTH2 ****')
  assert.equal(session.send(command, SECURE), undefined)
  assert.equal(session.translate(command), `AUTH XOAUTH2 ${initialResponse(login())}\r\n`)
})

test('a token that a server repeats is not kept, whole, in pieces or in capitals', () => {
  const response = initialResponse(login())
  for (const echo of [TOKEN, TOKEN.slice(5, 30), response, response.slice(20, 60), response.toUpperCase()]) {
    const session = loggingIn()
    session.receive('250-x\r\n', true, SECURE)
    session.receive('250 AUTH XOAUTH2\r\n', true, SECURE)
    session.send('AUTH PLAIN x\r\n', SECURE)
    session.receive('235 fine\r\n', true, SECURE)
    session.send('MAIL FROM:<>\r\n', SECURE)
    const verdict = session.receive(`550 5.7.1 what is "${echo}"?\r\n`, true, SECURE)
    assert.deepEqual(verdict, { kind: 'pass', line: '550 5.7.1 what is "****"?\r\n' })
    assert.equal(session.report.reply?.text, '550 5.7.1 what is "****"?')
  }
})
