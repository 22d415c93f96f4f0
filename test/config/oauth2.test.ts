import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { SecretSources } from '../../lib/config/types'
import { oauth2Of } from '../../lib/model/relay'
import { configure, diagnose, printed } from '../support/rules'

const FILES: Readonly<Record<string, string>> = { 'client.secret': 'from-a-file\n', 'bad.url': 'ftp://x' }
const SOURCES: SecretSources = {
  env: { REFRESH_TOKEN: 'from-the-environment' },
  readFile: (path) => {
    const text = FILES[basename(path)]
    if (text === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return { text, mode: 0o600 }
  },
}

const URL_LINE = 'oauth2_token_url = https://login.example/tenant/token'
const ID = 'oauth2_client_id = the-client'
const SECRET = 'oauth2_client_secret = s3same-open'
const HEAD = ['[relay:cloud]', 'host = smtp.example.net', 'tls = required', 'user = mail@corp.example']

const relay = (...lines: readonly string[]) => [...HEAD, ...lines].join('\n')
const found = (text: string, sources = SOURCES) =>
  diagnose(text, sources).map(
    ({ severity, span, code, message }) => `${severity} ${span.line}:${span.column} ${code} ${message}`,
  )

describe('OAuth 2.0', () => {
  it('reads client credentials', () => {
    const text = relay(
      'auth_type = XOAUTH2',
      URL_LINE,
      ID,
      SECRET,
      'oauth2_scope = https://mail.example/.default',
    )
    const [cloud] = configure(text, SOURCES).settings.relays
    assert.equal(cloud?.authType, 'xoauth2')
    assert.equal(cloud?.credentials?.user, 'mail@corp.example')
    const { clientSecret, ...rest } = oauth2Of(cloud)!
    assert.equal(clientSecret?.reveal(), 's3same-open')
    assert.deepEqual(rest, {
      tokenUrl: 'https://login.example/tenant/token',
      clientId: 'the-client',
      scope: 'https://mail.example/.default',
    })
    assert.doesNotMatch(inspect(cloud, { depth: 9 }) + JSON.stringify(cloud), /s3same/)
  })

  it('reads each part from a variable or a file', () => {
    const text = relay(
      'auth_type = oauthbearer',
      URL_LINE,
      ID,
      'oauth2_client_secret_file = client.secret',
      'oauth2_refresh_token_env = REFRESH_TOKEN',
    )
    const client = oauth2Of(configure(text, SOURCES).settings.relays[0]!)
    assert.equal(client?.clientSecret?.reveal(), 'from-a-file')
    assert.equal(client?.refreshToken?.reveal(), 'from-the-environment')
  })

  const rows: readonly (readonly [what: string, text: string, ...diagnostics: string[]])[] = [
    [
      'nothing but the mechanism',
      relay('auth_type = xoauth2'),
      'error 5:13 missing-key auth_type = xoauth2 needs to know where its tokens come from',
    ],
    [
      'no user',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET).replace('user = mail@corp.example\n', ''),
      'error 4:1 conflict auth_type without user',
    ],
    [
      'an address in clear',
      relay('auth_type = xoauth2', 'oauth2_token_url = http://login.example/', ID, SECRET),
      'error 6:20 bad-value a token is never asked for over a connection that is not encrypted',
    ],
    [
      'a user in the address',
      relay('auth_type = xoauth2', 'oauth2_token_url = https://u:p@login.example/', ID, SECRET),
      'error 6:20 bad-value bad value "**************************" for oauth2_token_url',
    ],
    [
      'a file with something that is not an address',
      relay('auth_type = xoauth2', 'oauth2_token_url_file = bad.url', ID, SECRET),
      'error 6:25 bad-value oauth2_token_url_file does not lead to the URL of a token endpoint',
    ],
    [
      'a secret twice',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET, 'oauth2_client_secret_file = client.secret'),
      'error 9:1 conflict oauth2_client_secret_file beside oauth2_client_secret',
    ],
    [
      'a file that is not there',
      relay('auth_type = xoauth2', URL_LINE, ID, 'oauth2_client_secret_file = none.secret'),
      'error 8:29 no-secret the client secret file cannot be read: there is no such file',
    ],
    [
      'a password as well',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET, 'password = x'),
      'error 9:1 conflict auth_type = xoauth2 takes a token, and no password',
    ],
    [
      'in clear',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET, 'allow_plaintext_auth = true'),
      'error 9:1 conflict auth_type = xoauth2 takes a token, which only goes over TLS',
    ],
    [
      'tls = off',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET).replace('required', 'off'),
      'error 3:7 conflict with tls = off the token is never sent',
    ],
    [
      'a server whose certificate nobody looks at',
      relay('auth_type = xoauth2', URL_LINE, ID, SECRET).replace('tls = required\n', ''),
      'warning 4:13 unverified-token the token is shown to any server that answers there, whatever its certificate',
    ],
    [
      'a secret of OAuth with a password',
      relay('password = x', 'oauth2_client_secret = y'),
      'error 6:1 conflict oauth2_client_secret without a mechanism that takes a token',
    ],
  ]
  for (const [what, text, ...diagnostics] of rows) {
    it(what, () => assert.deepEqual(found(text), diagnostics))
  }

  it('warns of secrets that cannot be read if the command does not connect to relays', () => {
    const text = relay(
      'auth_type = xoauth2',
      'oauth2_token_url_env = NO_URL',
      ID,
      'oauth2_client_secret_file = none.secret',
    )
    const kinds = diagnose(text, { ...SOURCES, missing: 'warning' }).map(({ severity }) => severity)
    assert.deepEqual(kinds, ['warning', 'warning'])
  })

  it('shows public values but no secret of a line with a mistake', () => {
    const text = printed(
      relay(
        'auth_type = xoauth2',
        'oauth2_token_url = https://login.example/t?key=s3same',
        'oauth2_client_secrets = s3same',
        'oauth2_refresh_tokn = s3same',
        'oauth2_client_secret_file = none.secret',
        'oauth2_refresh_token_env = NO_TOKEN',
        'oauth2_client_id =',
        'oauth2_token = s3same',
      ),
      SOURCES,
    )
    assert.doesNotMatch(text, /s3same/)
    assert.match(text, /oauth2_client_secret_file = none\.secret/)
    assert.match(text, /oauth2_refresh_token_env = NO_TOKEN/)
  })
})
