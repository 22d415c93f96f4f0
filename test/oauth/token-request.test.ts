import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import type { OAuth2Client } from '../../lib/model/oauth2'
import { Secret } from '../../lib/model/secret'
import { TokenError } from '../../lib/oauth/token-error'
import { createTokenRequest } from '../../lib/oauth/token-request'
import { startTokenEndpoint, type TokenAnswerer, type TokenEndpoint } from '../support/token-endpoint'

const CA = [readFileSync('test/fixtures/tls/ca.pem', 'utf8')]
const ask = createTokenRequest({ timeoutMs: 60_000, ca: CA })

async function endpoint(t: TestContext, answer?: TokenAnswerer): Promise<TokenEndpoint> {
  const started = await startTokenEndpoint(answer)
  t.after(() => started.close())
  return started
}

const clientOf = ({ url }: TokenEndpoint, more: Partial<OAuth2Client> = {}): OAuth2Client => ({
  tokenUrl: url,
  clientId: 'id:with/odd chars',
  clientSecret: new Secret('secret&=+'),
  ...more,
})

const asked = ({ requests }: TokenEndpoint) => requests.map((parameters) => Object.fromEntries(parameters))

test('RFC 6749 section 4.4: client credentials', async (t) => {
  const server = await endpoint(t, () => ({
    body: { access_token: 'abc.def-ghi', token_type: 'BEARER', expires_in: '1200', scope: 'a b' },
  }))
  const grant = await ask(clientOf(server, { scope: 'a b' }))
  assert.equal(grant.token.reveal(), 'abc.def-ghi')
  assert.deepEqual([grant.lifetimeMs, grant.scope, grant.refreshToken], [1_200_000, 'a b', undefined])
  assert.doesNotMatch(inspect(grant, { depth: 9 }) + JSON.stringify(grant), /abc\.def/)
  assert.deepEqual(asked(server), [
    {
      grant_type: 'client_credentials',
      client_id: 'id:with/odd chars',
      client_secret: 'secret&=+',
      scope: 'a b',
    },
  ])
})

test('RFC 6749 section 6: a refresh token, also of a public client', async (t) => {
  const server = await endpoint(t, () => ({
    body: {
      access_token: 'abcdefgh',
      token_type: 'bearer',
      refresh_token: 'next',
      id_token: 'of somebody else',
    },
  }))
  const { clientSecret: _, ...open } = clientOf(server, { refreshToken: new Secret('first') })
  const grant = await ask(open)
  assert.equal(grant.refreshToken?.reveal(), 'next')
  assert.equal(grant.lifetimeMs, undefined)
  assert.deepEqual(asked(server), [
    { grant_type: 'refresh_token', refresh_token: 'first', client_id: 'id:with/odd chars' },
  ])
})

test('a refusal shows neither the secret nor the refresh token that the endpoint repeats', async (t) => {
  const server = await endpoint(t, (parameters) => ({
    status: 400,
    body: {
      error: 'invalid_grant',
      error_description: `bad ${parameters.get('refresh_token')} ${parameters.get('client_secret')}`,
    },
  }))
  const client = clientOf(server, { refreshToken: new Secret('refresh-1234') })
  const error = await ask(client).then(
    () => assert.fail('a token'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TokenError)
  assert.equal(error.message, 'refuses (400 invalid_grant: bad **** ****)')
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /refresh-1234|secret&/)
})

test('RFC 9110: Retry-After in seconds of a busy server', async (t) => {
  const server = await endpoint(t, () => ({
    status: 429,
    headers: { 'retry-after': '30' },
    body: 'slow down',
  }))
  await assert.rejects(ask(clientOf(server)), {
    message: 'answers with HTTP status 429',
    retryAfterMs: 30_000,
  })
})

test('a refused connection, a missing address and a timeout are failures', async (t) => {
  const server = await endpoint(t, () => new Promise(() => {}))
  const client = clientOf(server)
  const impatient = createTokenRequest({ timeoutMs: 200, ca: CA })
  await assert.rejects(impatient(client), { message: 'does not answer within 0.2 s' })
  await server.close()
  await assert.rejects(ask(client), { message: 'refuses the connection' })
  await assert.rejects(ask({ ...client, tokenUrl: 'https://no-such-host.invalid/' }), {
    message: 'has no address',
  })
})

test('the certificate must be valid for the host', async (t) => {
  const server = await endpoint(t)
  await assert.rejects(createTokenRequest({ timeoutMs: 60_000 })(clientOf(server)), {
    message: 'has a certificate of an unknown authority',
  })
  const byAddress = clientOf(server, { tokenUrl: server.url.replace('localhost', 'loopback.example') })
  await assert.rejects(ask(byAddress), TokenError)
  assert.equal(server.requests.length, 0)
})
