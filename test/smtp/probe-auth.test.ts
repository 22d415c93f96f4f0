import assert from 'node:assert/strict'
import { test } from 'node:test'
import { probeRelay } from '../../lib/smtp/probe'
import { Secret } from '../../lib/model/secret'
import { relayOf } from '../support/servers'
import {
  certificate,
  credentials,
  relayAt,
  probeServices,
  startRelay,
  startScript,
  acceptFred,
  findingOf,
} from '../support/probed-relay'

for (const authType of ['plain', 'login', 'cram-md5'] as const) {
  test(`AUTH ${authType} with the right and the wrong password`, async (t) => {
    const authMethods = [authType.toUpperCase()]
    const port = await startRelay(t, { ...certificate('server'), authMethods, onAuth: acceptFred })
    const right = await probeRelay(relayAt(port, { authType, credentials }), probeServices())
    assert.equal(right.good, true)
    assert.equal(findingOf(right, 'auth').message, `accepted as fred (${authType})`)
    const wrong = { user: 'fred', password: new Secret('WrongPassw0rd') }
    const refused = await probeRelay(relayAt(port, { authType, credentials: wrong }), probeServices())
    assert.equal(refused.good, false)
    assert.match(findingOf(refused, 'auth').message, /^it refused AUTH: 535 /)
    assert.match(findingOf(refused, 'auth').advice ?? '', /user or password is wrong/)
  })
}

test('the mechanism is chosen as by Haraka, and a mechanism that is not offered is named', async (t) => {
  const port = await startRelay(t, {
    ...certificate('server'),
    authMethods: ['LOGIN', 'PLAIN'],
    onAuth: acceptFred,
  })
  const picked = await probeRelay(relayAt(port, { credentials }), probeServices())
  assert.equal(findingOf(picked, 'auth').message, 'accepted as fred (plain)')
  const missing = await probeRelay(relayAt(port, { authType: 'cram-md5', credentials }), probeServices())
  assert.equal(findingOf(missing, 'auth').message, 'it offers AUTH LOGIN PLAIN, but not CRAM-MD5')
})

test('if no supported mechanism is offered, the advice is not another auth_type', async (t) => {
  const port = await startScript(t, ['220 x\r\n', '250-x\r\n250 AUTH NTLM XOAUTH2\r\n', '221 x\r\n'])
  const report = await probeRelay(relayAt(port, { credentials, allowPlaintextAuth: true }), probeServices())
  assert.deepEqual(findingOf(report, 'auth'), {
    step: 'auth',
    result: 'bad',
    message: 'it offers AUTH NTLM XOAUTH2, but not CRAM-MD5, PLAIN or LOGIN',
    advice: 'none of these is supported: ask the provider for PLAIN or LOGIN, or for another port',
  })
})

test('a password is not sent in clear unless that is allowed', async (t) => {
  const passwords: string[] = []
  const port = await startRelay(t, {
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: (auth, session, callback) => {
      passwords.push(String(auth.password))
      acceptFred(auth, session, callback)
    },
  })
  const guarded = await probeRelay(relayAt(port, { authType: 'plain', credentials }), probeServices())
  assert.equal(guarded.good, false)
  assert.match(
    findingOf(guarded, 'auth').message,
    /the password is not sent over a connection that is not encrypted/,
  )
  assert.equal(findingOf(guarded, 'tls').result, 'warning')
  assert.deepEqual(passwords, [])
  const open = relayAt(port, { authType: 'plain', credentials, allowPlaintextAuth: true, tls: 'off' })
  assert.equal((await probeRelay(open, probeServices())).good, true)
  assert.deepEqual(passwords, ['Passw0rd'])
})

test('AUTH that is not offered is bad', async (t) => {
  const port = await startRelay(t, { ...certificate('server'), disabledCommands: ['AUTH'] })
  const report = await probeRelay(relayAt(port, { credentials }), probeServices())
  assert.equal(findingOf(report, 'auth').message, 'it does not offer AUTH')
  assert.equal(report.good, false)
})

test('a password that a server repeats is not reported', async (t) => {
  const token = Buffer.from('\0fred\0Passw0rd').toString('base64')
  const port = await startScript(t, [
    '220 x\r\n',
    '250-x\r\n250 AUTH PLAIN\r\n',
    `535 "AUTH PLAIN ${token}" Passw0rd is wrong\r\n`,
  ])
  const relayed = relayAt(port, { credentials, allowPlaintextAuth: true })
  const report = await probeRelay(relayed, probeServices())
  assert.equal(findingOf(report, 'auth').message, 'it refused AUTH: 535 "AUTH PLAIN ****" **** is wrong')
})

test('AUTH=PLAIN of old servers is accepted, as in a delivery', async (t) => {
  const port = await startScript(t, ['220 x\r\n', '250-x\r\n250 AUTH=PLAIN\r\n', '235 fine\r\n', '221 x\r\n'])
  const report = await probeRelay(
    relayOf({ host: 'relay.example', port, credentials, allowPlaintextAuth: true }),
    probeServices(),
  )
  assert.equal(report.good, true)
  assert.equal(findingOf(report, 'auth').message, 'accepted as fred (plain)')
})
