import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { AddressAnswer } from '../../lib/model/dns-answer'
import { ResolveError } from '../../lib/model/errors'
import type { Relay } from '../../lib/model/relay'
import { createTokenRequest } from '../../lib/oauth/token-request'
import { probeRelay, type ProbeServices, type RelayReport } from '../../lib/smtp/probe'
import { Secret } from '../../lib/model/secret'
import { relayOf, type RelayFields } from '../support/servers'
import { startTokenEndpoint, type TokenAnswerer } from '../support/token-endpoint'

const pem = (name: string) => readFileSync(`test/fixtures/tls/${name}.pem`, 'utf8')
const certificate = (name: string) => ({
  key: readFileSync(`test/fixtures/tls/${name}.key`, 'utf8'),
  cert: pem(name),
})

const credentials = { user: 'fred', password: new Secret('Passw0rd') }

function relayAt(port: number, changes: Partial<RelayFields> = {}): Relay {
  return relayOf({ host: 'relay.example', port, ...changes })
}

function services(changes: Partial<ProbeServices> = {}): ProbeServices {
  const answer: AddressAnswer = {
    kind: 'addresses',
    addresses: ['127.0.0.1'],
    how: 'fresh',
    server: 'hosts',
    ttlSeconds: 0,
  }
  return {
    lookup: async () => answer,
    now: () => Date.UTC(2026, 0, 1),
    timeoutMs: 5000,
    ca: [pem('ca')],
    askToken: createTokenRequest({ timeoutMs: 5000, ca: [pem('ca')] }),
    ...changes,
  }
}

/** A relay on the loopback, closed when the test ends. */
async function relay(t: TestContext, options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer({ logger: false, authOptional: true, disableReverseLookup: true, ...options })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  return (server.server.address() as AddressInfo).port
}

/** A server that says what the script says, whatever it hears. */
async function script(t: TestContext, replies: readonly string[]): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    const rest = [...replies]
    const say = () => {
      const reply = rest.shift()
      if (reply !== undefined) socket.write(reply)
    }
    socket.on('error', () => undefined)
    socket.on('data', say)
    say()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const acceptFred: SMTPServerOptions['onAuth'] = (auth, _session, callback) => {
  const { username, password, method, validatePassword } = auth as {
    username?: string
    password?: string
    method: string
    validatePassword?: (password: string) => boolean
  }
  const right = method === 'CRAM-MD5' ? validatePassword?.('Passw0rd') : password === 'Passw0rd'
  if (username === 'fred' && right === true) callback(null, { user: 'fred' })
  else callback(Object.assign(new Error('Authentication failed'), { responseCode: 535 }))
}

/** The findings of the one address, as `step result`. */
function steps(report: RelayReport): string[] {
  return report.addresses.flatMap(({ findings }) => findings.map(({ step, result }) => `${step} ${result}`))
}

function finding(report: RelayReport, step: string) {
  const all = [...report.findings, ...report.addresses.flatMap(({ findings }) => findings)]
  const found = all.findLast((candidate) => candidate.step === step)
  assert.ok(found, `there is a finding about ${step}`)
  return found
}

test('a good relay with STARTTLS, certificate and AUTH', async (t) => {
  const port = await relay(t, { ...certificate('server'), onAuth: acceptFred })
  const report = await probeRelay(relayAt(port, { name: 'isp', tls: 'required', credentials }), services())
  assert.equal(report.good, true)
  assert.equal(report.name, 'isp')
  assert.equal(report.key, `fred@relay.example:${port}`)
  assert.deepEqual(steps(report), [
    'connect good',
    'greeting good',
    'ehlo good',
    'tls good',
    'certificate good',
    'auth good',
  ])
  assert.match(finding(report, 'certificate').message, /^server, signed by Test CA, until 2120-01-01$/)
})

test('TLS from the first byte succeeds', async (t) => {
  const port = await relay(t, { ...certificate('server'), secure: true, onAuth: acceptFred })
  const report = await probeRelay(
    relayAt(port, { implicitTls: true, credentials, tls: 'required' }),
    services(),
  )
  assert.equal(report.good, true)
  assert.deepEqual(steps(report), [
    'connect good',
    'tls good',
    'certificate good',
    'greeting good',
    'ehlo good',
    'auth good',
  ])
})

const CERTIFICATES = [
  ['expired', /it expired on 2021-01-01/, /renew/],
  [
    'wrong-name',
    /it is for other\.example, 192\.0\.2\.1, not for relay\.example/,
    /a name that is in the certificate/,
  ],
  ['self-signed', /it is self-signed/, /NODE_EXTRA_CA_CERTS/],
] as const

for (const [name, message, advice] of CERTIFICATES) {
  test(`a certificate that is ${name} is bad if TLS is required, and otherwise a warning`, async (t) => {
    const passwords: string[] = []
    const port = await relay(t, {
      ...certificate(name),
      onAuth: (auth, session, callback) => {
        passwords.push(String(auth.password))
        acceptFred(auth, session, callback)
      },
    })
    const strict = await probeRelay(relayAt(port, { tls: 'required', credentials }), services())
    assert.equal(strict.good, false)
    assert.deepEqual(passwords, [], 'no password goes over such a connection')
    const fault = strict.addresses[0]!.findings.find(
      ({ step, result }) => step === 'certificate' && result === 'bad',
    )
    assert.match(fault?.message ?? '', message)
    assert.match(fault?.advice ?? '', advice)

    const lenient = await probeRelay(relayAt(port, { credentials }), services())
    assert.equal(lenient.good, true)
    assert.equal(finding(lenient, 'certificate').result, 'warning')
  })
}

test('a certificate of an unknown authority is bad', async (t) => {
  const port = await relay(t, certificate('server'))
  const { ca: _, ...others } = services()
  const report = await probeRelay(relayAt(port, { tls: 'required' }), others)
  assert.equal(report.good, false)
  const fault = report.addresses[0]!.findings.find(({ step }) => step === 'certificate')
  assert.match(fault?.message ?? '', /authority that signed it is unknown|does not send the chain/)
})

for (const authType of ['plain', 'login', 'cram-md5'] as const) {
  test(`AUTH ${authType} with the right and the wrong password`, async (t) => {
    const authMethods = [authType.toUpperCase()]
    const port = await relay(t, { ...certificate('server'), authMethods, onAuth: acceptFred })
    const right = await probeRelay(relayAt(port, { authType, credentials }), services())
    assert.equal(right.good, true)
    assert.equal(finding(right, 'auth').message, `accepted as fred (${authType})`)
    const wrong = { user: 'fred', password: new Secret('WrongPassw0rd') }
    const refused = await probeRelay(relayAt(port, { authType, credentials: wrong }), services())
    assert.equal(refused.good, false)
    assert.match(finding(refused, 'auth').message, /^it refused AUTH: 535 /)
    assert.match(finding(refused, 'auth').advice ?? '', /user or password is wrong/)
  })
}

test('the mechanism is chosen as by Haraka, and a mechanism that is not offered is named', async (t) => {
  const port = await relay(t, {
    ...certificate('server'),
    authMethods: ['LOGIN', 'PLAIN'],
    onAuth: acceptFred,
  })
  const picked = await probeRelay(relayAt(port, { credentials }), services())
  assert.equal(finding(picked, 'auth').message, 'accepted as fred (plain)')
  const missing = await probeRelay(relayAt(port, { authType: 'cram-md5', credentials }), services())
  assert.equal(finding(missing, 'auth').message, 'it offers AUTH LOGIN PLAIN, but not CRAM-MD5')
})

test('if no supported mechanism is offered, the advice is not another auth_type', async (t) => {
  const port = await script(t, ['220 x\r\n', '250-x\r\n250 AUTH NTLM XOAUTH2\r\n', '221 x\r\n'])
  const report = await probeRelay(relayAt(port, { credentials, allowPlaintextAuth: true }), services())
  assert.deepEqual(finding(report, 'auth'), {
    step: 'auth',
    result: 'bad',
    message: 'it offers AUTH NTLM XOAUTH2, but not CRAM-MD5, PLAIN or LOGIN',
    advice: 'none of these is supported: ask the provider for PLAIN or LOGIN, or for another port',
  })
})

test('a password is not sent in clear unless that is allowed', async (t) => {
  const passwords: string[] = []
  const port = await relay(t, {
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: (auth, session, callback) => {
      passwords.push(String(auth.password))
      acceptFred(auth, session, callback)
    },
  })
  const guarded = await probeRelay(relayAt(port, { authType: 'plain', credentials }), services())
  assert.equal(guarded.good, false)
  assert.match(
    finding(guarded, 'auth').message,
    /the password is not sent over a connection that is not encrypted/,
  )
  assert.equal(finding(guarded, 'tls').result, 'warning')
  assert.deepEqual(passwords, [])
  const open = relayAt(port, { authType: 'plain', credentials, allowPlaintextAuth: true, tls: 'off' })
  assert.equal((await probeRelay(open, services())).good, true)
  assert.deepEqual(passwords, ['Passw0rd'])
})

test('required STARTTLS that is not offered is bad', async (t) => {
  const port = await relay(t, { hideSTARTTLS: true })
  const report = await probeRelay(relayAt(port, { tls: 'required' }), services())
  assert.equal(report.good, false)
  assert.equal(finding(report, 'tls').message, 'TLS is required, and STARTTLS is not offered')
})

test('AUTH that is not offered is bad', async (t) => {
  const port = await relay(t, { ...certificate('server'), disabledCommands: ['AUTH'] })
  const report = await probeRelay(relayAt(port, { credentials }), services())
  assert.equal(finding(report, 'auth').message, 'it does not offer AUTH')
  assert.equal(report.good, false)
})

test('TLS from the first byte to a server that speaks plain SMTP is bad', async (t) => {
  const port = await relay(t, { hideSTARTTLS: true })
  const report = await probeRelay(relayAt(port, { implicitTls: true }), services())
  assert.equal(report.good, false)
  assert.match(finding(report, 'tls').advice ?? '', /leave out smtps:/)
  assert.equal(finding(report, 'tls').message, 'TLS failed: wrong version number')
})

const GREETINGS = [
  ['554 go away\r\n', 'it greeted with 554 go away', /ask its operator/],
  ['421 too many\r\n', 'it greeted with 421 too many', /try later/],
  ['HTTP/1.1 400 Bad Request\r\n', 'its reply is not SMTP: HTTP/1.1 400 Bad Request', undefined],
  ['554 \u001b[2Jgo\r\n', 'it greeted with 554 \ufffd[2Jgo', /operator/],
] as const

for (const [said, message, advice] of GREETINGS) {
  test(`a greeting of ${JSON.stringify(said)} is bad`, async (t) => {
    const report = await probeRelay(relayAt(await script(t, [said])), services())
    assert.equal(report.good, false)
    assert.equal(finding(report, 'greeting').message, message)
    if (advice !== undefined) assert.match(finding(report, 'greeting').advice ?? '', advice)
  })
}

test('a silent server is given up in time, with a hint at implicit TLS', async (t) => {
  const port = await script(t, [])
  const report = await probeRelay(relayAt(port), services({ timeoutMs: 50 }))
  assert.equal(finding(report, 'greeting').message, 'no greeting: no reply within 0.05 s')
  assert.match(finding(report, 'greeting').advice ?? '', /smtps:/)
})

test('a password that a server repeats is not reported', async (t) => {
  const token = Buffer.from('\0fred\0Passw0rd').toString('base64')
  const port = await script(t, [
    '220 x\r\n',
    '250-x\r\n250 AUTH PLAIN\r\n',
    `535 "AUTH PLAIN ${token}" Passw0rd is wrong\r\n`,
  ])
  const relayed = relayAt(port, { credentials, allowPlaintextAuth: true })
  const report = await probeRelay(relayed, services())
  assert.equal(finding(report, 'auth').message, 'it refused AUTH: 535 "AUTH PLAIN ****" **** is wrong')
})

test('a bind address that this machine does not have is bad', async () => {
  const unbound = relayAt(2525)
  const terms = { ...unbound.terms, bind: { v4: '192.0.2.7' } }
  const report = await probeRelay({ ...unbound, terms }, services())
  assert.equal(finding(report, 'connect').advice, 'bind = 192.0.2.7 is not an address of this machine')
})

test('a port where nothing listens is bad', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const report = await probeRelay(relayAt(port), services())
  t.diagnostic(finding(report, 'connect').message)
  assert.equal(report.good, false)
  assert.match(finding(report, 'connect').advice ?? '', new RegExp(`nothing listens on port ${port}`))
})

test('a relay with two addresses is good if one of them answers', async (t) => {
  const port = await relay(t, certificate('server'))
  const addresses = ['127.0.0.9', '127.0.0.1']
  const lookup = async () =>
    ({ kind: 'addresses', addresses, how: 'fresh', server: 'hosts', ttlSeconds: 0 }) as const
  const report = await probeRelay(relayAt(port), services({ lookup }))
  assert.deepEqual(
    report.addresses.map(({ address, good }) => [address, good]),
    [
      ['127.0.0.9', false],
      ['127.0.0.1', true],
    ],
  )
  assert.equal(report.good, true)
})

const LOOKUPS: readonly (readonly [AddressAnswer, string])[] = [
  [
    { kind: 'none', proven: true, how: 'fresh', server: '127.0.0.1:53', ttlSeconds: 60 },
    'relay.example has no address',
  ],
  [
    { kind: 'failed', error: new ResolveError('timeout', { code: 'ETIMEOUT', temporary: true }) },
    'relay.example could not be looked up: timeout',
  ],
]

for (const [answer, message] of LOOKUPS) {
  test(`without an address it fails: ${answer.kind}`, async () => {
    const report = await probeRelay(relayAt(25), services({ lookup: async () => answer }))
    assert.equal(report.good, false)
    assert.equal(finding(report, 'address').message, message)
  })
}

test('AUTH=PLAIN of old servers is accepted, as in a delivery', async (t) => {
  const port = await script(t, ['220 x\r\n', '250-x\r\n250 AUTH=PLAIN\r\n', '235 fine\r\n', '221 x\r\n'])
  const report = await probeRelay(
    relayOf({ host: 'relay.example', port, credentials, allowPlaintextAuth: true }),
    services(),
  )
  assert.equal(report.good, true)
  assert.equal(finding(report, 'auth').message, 'accepted as fred (plain)')
})

test('a server that knows only HELO is good if nothing more is needed, as in a delivery', async (t) => {
  const replies = ['220 x\r\n', '500 what?\r\n', '250 x\r\n', '221 x\r\n']
  const plain = await probeRelay(
    relayOf({ host: 'relay.example', port: await script(t, replies) }),
    services(),
  )
  assert.equal(plain.good, true)
  const port = await script(t, replies)
  const strict = await probeRelay(relayOf({ host: 'relay.example', port, tls: 'required' }), services())
  assert.equal(strict.good, false)
  assert.equal(finding(strict, 'ehlo').message, 'it refused EHLO: 500 what?')
})

test('TLS from the first byte with a bad certificate is bad, as in a delivery', async (t) => {
  const port = await relay(t, { ...certificate('expired'), secure: true })
  const report = await probeRelay(relayOf({ host: 'relay.example', port, implicitTls: true }), services())
  assert.equal(report.good, false)
})

/** Shown to a relay that asks for it. */
function clientCertificate(name: string) {
  return {
    chain: pem(name),
    key: new Secret(readFileSync(`test/fixtures/tls/${name}.key`, 'utf8')),
    subject: `CN=${name}`,
    validTo: Date.UTC(2120, 0, 1),
  }
}

for (const secure of [false, true]) {
  const how = secure ? 'with TLS from the first byte' : 'with STARTTLS'
  const asking = { ...certificate('server'), secure, requestCert: true, ca: [pem('ca')] }
  const terms = { tls: 'required', implicitTls: secure } as const

  test(`a relay that asks for a client certificate, ${how}`, async (t) => {
    const port = await relay(t, { ...asking, rejectUnauthorized: true })
    const fields = { ...terms, clientCertificate: clientCertificate('client') }
    const report = await probeRelay(relayAt(port, fields), services())
    assert.equal(report.good, true)
    assert.equal(
      finding(report, 'client').message,
      'it asked for our certificate and got it: CN=client, until 2120-01-01',
    )
    const soon = await probeRelay(relayAt(port, fields), services({ now: () => Date.UTC(2119, 11, 25) }))
    assert.equal(finding(soon, 'client').result, 'warning')
  })

  test(`a client certificate that is requested but not configured is bad, ${how}`, async (t) => {
    const port = await relay(t, { ...asking, rejectUnauthorized: true })
    const report = await probeRelay(relayAt(port, terms), services())
    assert.equal(report.good, false)
    assert.equal(
      finding(report, 'client').message,
      'it asks for a client certificate, and tls_cert is not set',
    )
    assert.equal(
      finding(report, 'tls').message,
      'TLS failed: it asks for a client certificate, and the relay has no tls_cert',
    )
    assert.match(finding(report, 'tls').advice ?? '', /set tls_cert and tls_key/)
  })

  test(`a client certificate that the relay does not accept is bad, ${how}`, async (t) => {
    const port = await relay(t, { ...asking, rejectUnauthorized: true })
    const fields = { ...terms, clientCertificate: clientCertificate('self-signed') }
    const report = await probeRelay(relayAt(port, fields), services())
    assert.equal(report.good, false)
    const { message, advice } = finding(report, 'tls')
    assert.match(message, /right after TLS: it may have refused our certificate$/)
    assert.match(advice ?? '', /tls_cert/)
  })

  test(`a client certificate that is not requested is not sent, ${how}`, async (t) => {
    const port = await relay(t, { ...certificate('server'), secure })
    const fields = { ...terms, clientCertificate: clientCertificate('client') }
    const report = await probeRelay(relayAt(port, fields), services())
    assert.equal(report.good, true)
    assert.equal(finding(report, 'client').result, 'warning')
    assert.match(finding(report, 'client').message, /^it does not ask for our certificate/)
  })
}

test('a client certificate needs TLS', async (t) => {
  const port = await relay(t, { disabledCommands: ['STARTTLS'] })
  const report = await probeRelay(
    relayAt(port, { clientCertificate: clientCertificate('client') }),
    services(),
  )
  assert.equal(report.good, false)
  assert.match(finding(report, 'tls').message, /STARTTLS is not offered/)
})

/** A relay that takes the tokens of an endpoint, and its probe. */
async function probeTokens(
  t: TestContext,
  answer: TokenAnswerer,
  { scope, isGood = true }: { readonly scope?: string; readonly isGood?: boolean } = {},
): Promise<RelayReport> {
  const endpoint = await startTokenEndpoint(answer)
  t.after(() => endpoint.close())
  const port = await relay(t, {
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
  const report = await probeRelay(relayAt(port, fields), services())
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
  assert.equal(finding(report, 'auth').message, 'accepted as fred (xoauth2)')
})

test('if the token endpoint refuses, the relay is tested up to the login', async (t) => {
  const report = await probeTokens(t, () => ({ status: 400, body: { error: 'invalid_scope' } }))
  assert.equal(report.good, false)
  assert.match(finding(report, 'token').message, /\(client credentials\) refuses \(400 invalid_scope\)$/)
  assert.match(finding(report, 'token').advice ?? '', /oauth2_scope/)
  assert.equal(finding(report, 'certificate').result, 'good')
})

test('a token that the relay refuses is shown with the reason and the advice', async (t) => {
  const report = await probeTokens(t, () => undefined, { isGood: false })
  const { result, message, advice } = finding(report, 'auth')
  assert.equal(result, 'bad')
  assert.match(message, /^it refused the token \(status 401, scope smtp\.send\):/)
  assert.match(advice ?? '', /scope|mailbox/)
})
