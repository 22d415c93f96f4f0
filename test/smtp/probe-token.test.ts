import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { probeRelay, type RelayReport } from '../../lib/smtp/probe'
import { Secret } from '../../lib/model/secret'
import { startTokenEndpoint, type TokenAnswerer } from '../support/token-endpoint'
import { certificate, relayAt, probeServices, startRelay, findingOf } from '../support/probed-relay'

/** A relay that takes the tokens of an endpoint, and its probe. */
async function probeTokens(
  t: TestContext,
  answer: TokenAnswerer,
  { scope, isGood = true }: { readonly scope?: string; readonly isGood?: boolean } = {},
): Promise<RelayReport> {
  const endpoint = await startTokenEndpoint(answer)
  t.after(() => endpoint.close())
  const port = await startRelay(t, {
    ...certificate('server'),
    authMethods: ['XOAUTH2'],
    onAuth: ({ accessToken, username }, _session, callback) =>
      isGood && accessToken !== undefined && endpoint.tokens.includes(accessToken)
        ? callback(null, { user: username })
        : callback(null, { data: { status: '401', schemes: 'bearer', scope: 'smtp.send' } }),
  })
  const oauth2 = {
    tokenUrl: endpoint.url,
    clientId: 'id',
    clientSecret: new Secret('s3same'),
    ...(scope === undefined ? {} : { scope }),
  }
  const fields = { tls: 'required', authType: 'xoauth2', credentials: { user: 'fred', oauth2 } } as const
  const report = await probeRelay(relayAt(port, fields), probeServices())
  for (const token of endpoint.tokens) assert.ok(!JSON.stringify(report).includes(token.slice(0, 20)))
  return report
}

test('a relay with OAuth 2.0 shows endpoint, grant, end, scope and login', async (t) => {
  const answer = () => ({
    body: { access_token: 'abcdefgh-ijkl', token_type: 'bearer', expires_in: 3599, scope: 'smtp.send' },
  })
  const report = await probeTokens(t, answer, { scope: 'smtp.send imap' })
  assert.equal(report.good, true)
  assert.deepEqual(
    report.findings.map(({ result, message }) => `${result} ${message.replace(/:\d+/, '')}`),
    [
      'good localhost (client credentials) gives a token, valid for 59 min',
      'warning it refuses the scope imap, and gives smtp.send',
    ],
  )
  assert.equal(findingOf(report, 'auth').message, 'accepted as fred (xoauth2)')
})

test('if the token endpoint refuses, the relay is tested up to the login', async (t) => {
  const report = await probeTokens(t, () => ({ status: 400, body: { error: 'invalid_scope' } }))
  assert.equal(report.good, false)
  assert.match(findingOf(report, 'token').message, /\(client credentials\) refuses \(400 invalid_scope\)$/)
  assert.match(findingOf(report, 'token').advice ?? '', /oauth2_scope/)
  assert.equal(findingOf(report, 'certificate').result, 'good')
})

test('a token that the relay refuses is shown with the reason and the advice', async (t) => {
  const report = await probeTokens(t, () => undefined, { isGood: false })
  const { result, message, advice } = findingOf(report, 'auth')
  assert.equal(result, 'bad')
  assert.match(message, /^it refused the token \(status 401, scope smtp\.send\):/)
  assert.match(advice ?? '', /scope|mailbox/)
})
