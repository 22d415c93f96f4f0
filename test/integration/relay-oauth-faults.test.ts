import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'
import { startSink, type Sink } from '../support/smtp-sink'
import { startTokenEndpoint, type TokenAnswerer, type TokenEndpoint } from '../support/token-endpoint'

const SECRET = 'client-secret-4d5e'
const REFRESH = 'refresh-token-8c1f'

/** A token endpoint that gives no token, and how its relay fails. A backup takes the message in the same attempt. */
interface Case {
  readonly what: string
  readonly answer: TokenAnswerer
  readonly certificate?: string
  readonly failure: RegExp
}

const json = (body: object, status = 200) => ({ status, body })
const never = new Promise<undefined>(() => {})
let elsewhere: TokenEndpoint

const CASES: readonly Case[] = [
  {
    what: 'a refresh token that was revoked',
    answer: (parameters) =>
      json(
        {
          error: 'invalid_grant',
          error_description: `${parameters.get('refresh_token')} was revoked\r\nid 1`,
        },
        400,
      ),
    failure: /refuses \(400 invalid_grant: \*\*\*\* was revoked\)/,
  },
  {
    what: 'a client that is not known',
    answer: () => ({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="x"' },
      body: { error: 'invalid_client', error_description: 'secret expired \u001b[31m' },
    }),
    failure: /refuses \(401 invalid_client: secret expired \ufffd\[31m\)/,
  },
  {
    what: 'a scope that is refused',
    answer: () => json({ error: 'invalid_scope' }, 400),
    failure: /refuses \(400 invalid_scope\)/,
  },
  { what: 'no answer', answer: () => never, failure: /does not answer within 15 s/ },
  {
    what: 'an error of the server',
    answer: () => ({ status: 500, body: `<html>${SECRET}</html>` }),
    failure: /answers with HTTP status 500/,
  },
  {
    what: 'too many requests',
    answer: () => ({ status: 429, headers: { 'retry-after': '600' }, body: '' }),
    failure: /answers with HTTP status 429/,
  },
  {
    what: 'a page in place of JSON',
    answer: () => ({ headers: { 'content-type': 'text/html' }, body: '<html>welcome</html>' }),
    failure: /gives an answer that cannot be used/,
  },
  {
    what: 'JSON without a token',
    answer: () => json({ token_type: 'bearer' }),
    failure: /gives an answer that cannot be used/,
  },
  {
    what: 'a token that would end the line',
    answer: () => json({ access_token: 'abc\r\nMAIL FROM:<>', token_type: 'bearer' }),
    failure: /gives a token with characters that a token cannot have/,
  },
  {
    what: 'a token of another type',
    answer: () => json({ access_token: 'abcdefgh', token_type: 'mac' }),
    failure: /gives an answer that cannot be used|gives a token of the type/,
  },
  {
    what: 'a redirect to another host',
    answer: () => ({ status: 307, headers: { location: elsewhere.url }, body: '' }),
    failure: /redirects to localhost:\d+, which is not followed/,
  },
  {
    what: 'more than any answer has',
    answer: () => json({ access_token: 'x'.repeat(1_000_000), token_type: 'bearer' }),
    failure: /answers with more than 128 KiB/,
  },
  {
    what: 'a certificate of another name',
    certificate: 'wrong-name',
    answer: () => undefined,
    failure: /has a certificate for another name/,
  },
  {
    what: 'an expired certificate',
    certificate: 'expired',
    answer: () => undefined,
    failure: /has a certificate that has expired/,
  },
  {
    what: 'a certificate of nobody',
    certificate: 'self-signed',
    answer: () => undefined,
    failure: /has a certificate of an unknown authority/,
  },
]

/** A server that is given a good token. */
interface ServerCase {
  readonly what: string
  readonly relay: readonly string[]
  readonly server: ScriptedOptions
  /** Why the relay failed; undefined: it took the message. */
  readonly failure: RegExp | undefined
  /** What it was told under AUTH, decoded. */
  readonly heard: readonly RegExp[]
}

const offering = (mechanism: string) => [`AUTH PLAIN ${mechanism}`, 'STARTTLS']
const challenge = (reason: object) => `334 ${Buffer.from(JSON.stringify(reason)).toString('base64')}`
const XOAUTH2 = /^user=mail-s\d@corp\.example\|auth=Bearer short-token-\d\|\|$/
const OAUTHBEARER = /^n,a=mail-s\d@corp\.example,\|host=localhost\|port=\d+\|auth=Bearer short-token-\d\|\|$/

const SERVER_CASES: readonly ServerCase[] = [
  {
    what: 'XOAUTH2 with an initial response',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: { capabilities: offering('XOAUTH2') },
    failure: undefined,
    heard: [XOAUTH2],
  },
  {
    what: 'OAUTHBEARER with an initial response',
    relay: ['auth_type = oauthbearer', 'tls = required'],
    server: { capabilities: offering('OAUTHBEARER') },
    failure: undefined,
    heard: [OAUTHBEARER],
  },
  {
    what: 'a server that takes no response together with AUTH',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: {
      capabilities: offering('XOAUTH2'),
      script: (verb) => (verb === 'AUTH' ? '334 ' : undefined),
    },
    failure: undefined,
    heard: [XOAUTH2, XOAUTH2],
  },
  {
    what: 'RFC 7628: an error challenge of OAUTHBEARER is answered with %x01',
    relay: ['auth_type = oauthbearer', 'tls = required'],
    server: {
      capabilities: offering('OAUTHBEARER'),
      script: (verb, rest) => {
        if (verb === 'AUTH') return challenge({ status: 'invalid_token', scope: 'example\u001b[2J' })
        return verb === '?' ? (rest === 'AQ==' ? '535 5.7.8 no' : '500 what?') : undefined
      },
    },
    failure: /it refused the token \(status invalid_token, scope example\ufffd\[2J\): 535 5\.7\.8 no/,
    heard: [OAUTHBEARER, /^\|$/],
  },
  {
    what: 'an error challenge of XOAUTH2 is answered with an empty line',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: {
      capabilities: offering('XOAUTH2'),
      script: (verb, rest) => {
        if (verb === 'AUTH') return challenge({ status: '400', schemes: 'bearer', scope: 'mail' })
        return verb === '?' ? (rest === '' ? '535 5.7.8 no' : '500 what?') : undefined
      },
    },
    failure: /it refused the token \(status 400, scope mail\): 535 5\.7\.8 no/,
    heard: [XOAUTH2, /^$/],
  },
  {
    what: 'a server that repeats the whole command, cut off',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: {
      capabilities: offering('XOAUTH2'),
      script: (verb, rest) => (verb === 'AUTH' ? `500 unknown: ${rest.slice(0, 70)}` : undefined),
    },
    failure: /it refused AUTH: 500 unknown: XOAUTH2 \*\*\*\*/,
    heard: [XOAUTH2],
  },
  {
    what: 'challenges without end',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: {
      capabilities: offering('XOAUTH2'),
      script: (verb) => (verb === 'AUTH' || verb === '?' ? '334 ' : undefined),
    },
    failure: /it asked too often/,
    heard: [XOAUTH2, XOAUTH2],
  },
  {
    what: 'a mechanism that is not offered',
    relay: ['auth_type = xoauth2', 'tls = required'],
    server: { capabilities: ['AUTH PLAIN LOGIN', 'STARTTLS'] },
    failure: /it offers AUTH PLAIN LOGIN, but not XOAUTH2/,
    heard: [],
  },
  {
    what: 'no TLS',
    relay: ['auth_type = xoauth2', 'tls = opportunistic'],
    server: { capabilities: ['AUTH XOAUTH2'] },
    failure: /the token is not sent over a connection that is not encrypted \(STARTTLS is not offered\)/,
    heard: [],
  },
  {
    what: 'TLS that breaks',
    relay: ['auth_type = xoauth2', 'tls = opportunistic'],
    server: { capabilities: offering('XOAUTH2'), breaksHandshake: true },
    failure: /TLS failed/,
    heard: [],
  },
]

let haraka: HarakaServer
let backup: Sink
const endpoints: TokenEndpoint[] = []
const servers: Scripted[] = []

const section = (name: string, port: number, url: string, more: readonly string[]) =>
  [
    `[relay:${name}]`,
    'host = localhost',
    'family = v4',
    `port = ${port}`,
    // Relays with one server and one user would share a breaker.
    `user = mail-${name}@corp.example`,
    `oauth2_token_url = ${url}`,
    'oauth2_client_id = the-client',
    ...more,
  ].join('\n')

before(async () => {
  backup = await startSink()
  elsewhere = await startTokenEndpoint()
  const sections: string[] = []
  for (const [i, { answer, certificate }] of CASES.entries()) {
    const endpoint = await startTokenEndpoint(answer, certificate === undefined ? {} : { certificate })
    endpoints.push(endpoint)
    const more = [
      'tls = required',
      'auth_type = xoauth2',
      `oauth2_client_secret = ${SECRET}`,
      `oauth2_refresh_token = ${REFRESH}`,
    ]
    sections.push(section(`r${i}`, backup.port, endpoint.url, more))
  }
  for (const [i, { relay, server }] of SERVER_CASES.entries()) {
    const scripted = await startScripted(server)
    servers.push(scripted)
    const endpoint = await startTokenEndpoint((_, number) =>
      json({ access_token: `short-token-${number}`, token_type: 'Bearer' }),
    )
    endpoints.push(endpoint)
    sections.push(
      section(`s${i}`, scripted.port, endpoint.url, [...relay, `oauth2_client_secret = ${SECRET}`]),
    )
  }
  haraka = await HarakaServer.start({
    overrides: [
      ...CASES.map((_, i) => `d${i}.example @r${i} $priority:1`),
      ...SERVER_CASES.map((_, i) => `s${i}.example @s${i} $priority:1`),
      `* 127.0.0.1:${backup.port} $priority:20`,
      ...sections,
    ].join('\n'),
    loglevel: 'PROTOCOL',
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
  })
  // All at once: one of them takes its time.
  for (const [i] of CASES.entries()) await haraka.send({ to: `u@d${i}.example` })
  for (const [i] of SERVER_CASES.entries()) await haraka.send({ to: `u@s${i}.example` })
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'all deliveries', [backup, ...servers])
})

after(async () => {
  await haraka?.close()
  await Promise.all([backup, elsewhere, ...endpoints, ...servers].map((server) => server?.close()))
})

const isTakenByBackup = (recipient: string) =>
  backup.received.filter(({ rcptTo }) => rcptTo.includes(recipient)).length

CASES.forEach(({ what, failure }, i) => {
  test(`the endpoint: ${what}`, () => {
    const failed = haraka.lines(new RegExp(`relay r${i} is left out for 60 s: no token: localhost:\\d+ `))
    assert.equal(failed.length, 1, haraka.lines(new RegExp(`relay r${i} `)).join('\n'))
    assert.match(failed[0]!, failure)
    assert.equal(isTakenByBackup(`u@d${i}.example`), 1)
  })
})

SERVER_CASES.forEach(({ what, failure, heard }, i) => {
  test(`the relay: ${what}`, () => {
    const server = servers[i]!
    const failed = haraka.lines(new RegExp(`relay s${i} is left out`))
    if (failure === undefined) {
      assert.deepEqual(failed, [])
      assert.equal(server.taken.length, 1)
    } else {
      assert.equal(failed.length, 1, haraka.lines(new RegExp(`relay s${i} `)).join('\n'))
      assert.match(failed[0]!, failure)
      assert.equal(isTakenByBackup(`u@s${i}.example`), 1)
    }
    const said = server.lines
      .filter((line) => !/^(?:TLS )?(?:EHLO|STARTTLS|MAIL|RCPT|DATA|QUIT)/.test(line))
      .map((line) => line.replace(/^TLS (?:AUTH \w+ )?/, ''))
      .map((text) => Buffer.from(text, 'base64').toString('utf8').replaceAll('\u0001', '|'))
    // A token that was refused is replaced once: then it all comes again.
    const rounds = said.length === heard.length * 2 && failure !== undefined ? [...heard, ...heard] : heard
    assert.equal(said.length, rounds.length, JSON.stringify(said))
    rounds.forEach((pattern, line) => assert.match(said[line]!, pattern))
  })
})

test('after 429 the endpoint is not asked again for as long as it says', async () => {
  const i = CASES.findIndex(({ what }) => what === 'too many requests')
  await haraka.send({ to: `again@d${i}.example` })
  await haraka.waitFor(() => isTakenByBackup(`again@d${i}.example`) === 1, 'the delivery', [backup])
  assert.equal(endpoints[i]!.requests.length, 1)
})

test('no redirect is followed, and no secret is in the log', () => {
  assert.equal(elsewhere.requests.length, 0)
  for (const text of [
    SECRET,
    REFRESH,
    'short-token-',
    Buffer.from('Bearer short').toString('base64').slice(2, -3),
  ]) {
    assert.ok(!haraka.log.includes(text), text)
  }
})
