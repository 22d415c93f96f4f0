import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted, type ScriptedOptions, type Script } from '../support/smtp-scripted'

/** A relay, and what must become of a message that goes to it first and to a good server second. */
interface Case {
  readonly what: string
  /** Lines of its section. */
  readonly relay: readonly string[]
  readonly server: ScriptedOptions
  /** The message goes through; else its failure, as the log has it. */
  readonly outcome: 'taken' | RegExp
  /** Taken encrypted? */
  readonly secure?: boolean
  /** What must have been sent to the relay, and what must not. */
  readonly heard?: RegExp
  readonly unheard?: RegExp
}

const PASSWORD = 'sesame-5d1f'
const USER = ['user = fred', `password = ${PASSWORD}`]
const TLS = { capabilities: ['PIPELINING', 'STARTTLS', 'AUTH PLAIN LOGIN CRAM-MD5'] }
const PLAIN = { capabilities: ['PIPELINING', 'AUTH PLAIN LOGIN CRAM-MD5'] }
const says = (verb: string, text: string): { script: Script } => ({
  script: (said) => (said === verb ? text : undefined),
})
/** Anything that gives the user or the password away, in whichever form. */
const SECRET = new RegExp(`AUTH PLAIN|${Buffer.from('fred').toString('base64')}|${PASSWORD}`)

const CASES: readonly Case[] = [
  // TLS
  { what: 'required', relay: ['tls = required'], server: TLS, outcome: 'taken', secure: true },
  {
    what: 'required, AUTH',
    relay: ['tls = required', ...USER],
    server: TLS,
    outcome: 'taken',
    secure: true,
    heard: /^TLS AUTH CRAM-MD5$/,
  },
  {
    what: 'required, not offered',
    relay: ['tls = required'],
    server: PLAIN,
    outcome: /TLS is required, and STARTTLS is not offered/,
    unheard: /MAIL/,
  },
  {
    what: 'required, refused',
    relay: ['tls = required'],
    server: { ...TLS, ...says('STARTTLS', '454 not now') },
    outcome: /it refused STARTTLS: 454 not now/,
    unheard: /MAIL/,
  },
  {
    what: 'required, refused for good',
    relay: ['tls = required'],
    server: { ...TLS, ...says('STARTTLS', '501 never') },
    outcome: /it refused STARTTLS: 501 never/,
    unheard: /MAIL/,
  },
  {
    what: 'required, expired',
    relay: ['tls = required', ...USER],
    server: { ...TLS, certificate: 'expired' },
    outcome: /its certificate is not good for 127\.0\.0\.1: .*CERT_HAS_EXPIRED/,
    unheard: /^TLS/,
  },
  {
    what: 'required, wrong name',
    relay: ['tls = required', ...USER],
    server: { ...TLS, certificate: 'wrong-name' },
    outcome:
      /its certificate is not good for 127\.0\.0\.1: .*does not match|not good for 127\.0\.0\.1: ERR_TLS_CERT_ALTNAME_INVALID/,
    unheard: /^TLS/,
  },
  {
    what: 'required, self-signed',
    relay: ['tls = required', ...USER],
    server: { ...TLS, certificate: 'self-signed' },
    outcome: /its certificate is not good for 127\.0\.0\.1: .*DEPTH_ZERO_SELF_SIGNED_CERT/,
    unheard: /^TLS/,
  },
  {
    what: 'required, EHLO refused',
    relay: ['tls = required'],
    server: says('EHLO', '502 no EHLO'),
    outcome: /it refused EHLO: 502 no EHLO/,
    unheard: /HELO|MAIL/,
  },
  {
    what: 'required, something in clear after STARTTLS',
    relay: ['tls = required'],
    server: { ...TLS, ...says('STARTTLS', '220-x\r\n220 go\r\nnoise') },
    outcome: /it sent data in clear after STARTTLS/,
    unheard: /MAIL/,
  },
  { what: 'opportunistic, offered', relay: [], server: TLS, outcome: 'taken', secure: true },
  { what: 'opportunistic, not offered', relay: [], server: PLAIN, outcome: 'taken', secure: false },
  {
    what: 'opportunistic, bad certificate',
    relay: [],
    server: { ...TLS, certificate: 'expired' },
    outcome: 'taken',
    secure: true,
  },
  {
    what: 'opportunistic, refused',
    relay: [],
    server: { ...TLS, ...says('STARTTLS', '454 not now') },
    outcome: 'taken',
    secure: false,
  },
  {
    what: 'required, handshake fails',
    relay: ['tls = required'],
    server: { ...TLS, breaksHandshake: true },
    outcome: /TLS failed: /,
    unheard: /MAIL/,
  },
  {
    what: 'opportunistic, handshake fails',
    relay: [],
    server: { ...TLS, breaksHandshake: true },
    outcome: 'taken',
    secure: false,
  },
  {
    what: 'opportunistic, handshake fails, with a password',
    relay: USER,
    server: { ...TLS, breaksHandshake: true },
    outcome: /TLS failed: /,
    unheard: SECRET,
  },
  {
    what: 'opportunistic, refused, with a password',
    relay: USER,
    server: { ...TLS, ...says('STARTTLS', '454 not now') },
    outcome: /it refused STARTTLS: 454 not now/,
    unheard: SECRET,
  },
  { what: 'off', relay: ['tls = off'], server: TLS, outcome: 'taken', secure: false, unheard: /STARTTLS/ },
  {
    what: 'off, STARTTLS as last capability',
    relay: ['tls = off'],
    server: { capabilities: ['STARTTLS'] },
    outcome: 'taken',
    secure: false,
    unheard: /STARTTLS/,
  },
  {
    what: 'a name',
    relay: ['host = localhost', 'tls = required'],
    server: TLS,
    outcome: 'taken',
    secure: true,
  },
  // TLS from the first byte
  {
    what: 'smtps',
    relay: ['host = smtps://127.0.0.1', ...USER],
    server: { ...PLAIN, implicitTls: true },
    outcome: 'taken',
    secure: true,
    heard: /^TLS AUTH/,
  },
  {
    what: 'smtps that offers STARTTLS',
    relay: ['host = smtps://127.0.0.1'],
    server: { ...TLS, implicitTls: true },
    outcome: 'taken',
    secure: true,
    unheard: /STARTTLS/,
  },
  {
    what: 'smtps, wrong name',
    relay: ['host = smtps://127.0.0.1', ...USER],
    server: { ...PLAIN, implicitTls: true, certificate: 'wrong-name' },
    outcome: /its certificate is not good for 127\.0\.0\.1/,
    unheard: /./,
  },
  {
    what: 'smtps, no TLS',
    relay: ['host = smtps://127.0.0.1'],
    server: PLAIN,
    outcome: /TLS failed/,
    unheard: /EHLO/,
  },
  // AUTH
  { what: 'over TLS', relay: USER, server: TLS, outcome: 'taken', secure: true, heard: /^TLS AUTH/ },
  {
    what: 'never in clear',
    relay: USER,
    server: PLAIN,
    outcome: /the password is not sent over a connection that is not encrypted \(STARTTLS is not offered\)/,
    unheard: /AUTH|MAIL/,
  },
  {
    what: 'in clear where allowed',
    relay: ['allow_plaintext_auth = true', 'auth_type = plain', ...USER],
    server: PLAIN,
    outcome: 'taken',
    secure: false,
    heard: /^AUTH PLAIN /,
  },
  {
    what: 'LOGIN with its own prompts',
    relay: ['auth_type = login', ...USER],
    server: { ...TLS, script: login },
    outcome: 'taken',
    secure: true,
    heard: /^TLS AUTH LOGIN$/,
  },
  {
    what: 'mechanisms in lower case',
    relay: ['auth_type = plain', ...USER],
    server: { capabilities: ({ secure }) => (secure ? ['auth plain'] : ['STARTTLS']) },
    outcome: 'taken',
    secure: true,
    heard: /^TLS AUTH PLAIN /,
  },
  {
    what: 'not offered',
    relay: USER,
    server: { capabilities: ['STARTTLS'] },
    outcome: /it does not offer AUTH/,
    unheard: /AUTH|MAIL/,
  },
  {
    what: 'no mechanism in common',
    relay: ['auth_type = plain', ...USER],
    server: { capabilities: ['STARTTLS', 'AUTH CRAM-MD5 XOAUTH2'] },
    outcome: /it offers AUTH CRAM-MD5 XOAUTH2, but not PLAIN/,
    unheard: /^(TLS )?(AUTH|MAIL)/,
  },
  ...[530, 534, 535, 538, 454, 501, 504, 421].map((code) => ({
    what: `refused ${code}`,
    relay: ['auth_type = plain', ...USER],
    server: { ...TLS, ...says('AUTH', `${code} 5.7.8 no`) },
    outcome: new RegExp(`it refused AUTH: ${code} `),
    unheard: /MAIL/,
  })),
  {
    what: 'refused after the challenge',
    relay: ['auth_type = cram-md5', ...USER],
    server: {
      ...TLS,
      script: (verb) => (verb === 'AUTH' ? '334 PGFAYj4=' : verb === '?' ? '535-no\r\n535 no' : undefined),
    },
    outcome: /it refused AUTH: 535 no no/,
    unheard: /MAIL/,
  },
  {
    what: 'EHLO refused',
    relay: USER,
    server: says('EHLO', '500 no'),
    outcome: /it refused EHLO: 500 no/,
    unheard: /HELO|MAIL/,
  },
  ...[530, 535, 538].map((code) => ({
    what: `wanted, ${code} to MAIL`,
    relay: [],
    server: says('MAIL', `${code} 5.7.0 first authenticate`),
    outcome: new RegExp(`it asks for authentication: ${code} `),
    unheard: /RCPT/,
  })),
  {
    what: 'wanted, 530 to RCPT',
    relay: [],
    server: says('RCPT', '530 5.7.57 not authenticated'),
    outcome: /it asks for authentication: 530 /,
    unheard: /DATA/,
  },
  // Greeting and the rest before MAIL
  ...['421 busy', '450 later', '554 no service', '220-hello\r\n554 after all', 'what is this', '220'].map(
    (text) => ({
      what: `greeting ${text.replace('\r\n', ' ')}`,
      relay: [],
      server: says('CONNECT', text),
      outcome: /it greeted with|its reply is not SMTP/,
      unheard: /EHLO/,
    }),
  ),
  {
    what: 'closes instead of greeting',
    relay: [],
    server: says('CONNECT', 'close'),
    outcome: /closed the connection|ECONNRESET/,
  },
  {
    what: 'closes after EHLO',
    relay: [],
    server: says('EHLO', 'close'),
    outcome: /closed the connection|ECONNRESET/,
  },
  {
    what: 'closes after MAIL',
    relay: [],
    server: says('MAIL', 'close'),
    outcome: /closed the connection|ECONNRESET/,
  },
  {
    what: 'EHLO 421',
    relay: [],
    server: says('EHLO', '421 going down'),
    outcome: /it refused EHLO: 421 going down/,
  },
  {
    what: 'garbage to EHLO',
    relay: [],
    server: says('EHLO', '250-scripted\r\nHTTP/1.1 200 OK'),
    outcome: /its reply is not SMTP: HTTP\/1\.1 200 OK/,
  },
  {
    what: 'HELO is enough',
    relay: [],
    server: says('EHLO', '500 no EHLO'),
    outcome: 'taken',
    secure: false,
    heard: /^HELO/,
  },
  {
    what: 'HELO refused too',
    relay: [],
    server: { script: (verb) => (/^[EH]/.test(verb) ? '500 no' : undefined) },
    outcome: /it refused HELO: 500 no/,
  },
  { what: 'LMTP', relay: ['lmtp = true'], server: {}, outcome: 'taken', secure: false, heard: /^LHLO/ },
  {
    what: 'LMTP, LHLO refused',
    relay: ['lmtp = true'],
    server: says('LHLO', '500 no'),
    outcome: /it refused LHLO: 500 no/,
  },
]

/** LOGIN as some servers ask: not in the words that Haraka knows. */
function login(verb: string, rest: string): string | undefined {
  if (verb === 'AUTH') return '334 VXNlciBOYW1lAA=='
  if (verb !== '?') return undefined
  if (Buffer.from(rest, 'base64').toString() === 'fred') return '334 UGFzc3dvcmQA'
  return Buffer.from(rest, 'base64').toString() === PASSWORD ? '235 fine' : '535 no'
}

const servers: Scripted[] = []
let backup: Scripted
let haraka: HarakaServer

before(async () => {
  backup = await startScripted()
  for (const { server } of CASES) servers.push(await startScripted(server))
  const sections = CASES.map(({ relay }, i) => {
    const smtps = relay.some((line) => line.includes('smtps://'))
    const host = relay.some((line) => line.startsWith('host')) ? [] : ['host = 127.0.0.1']
    const lines = smtps
      ? relay.map((line) => line.replace(/(smtps:.*)/, `$1:${servers[i]!.port}`))
      : [...relay, `port = ${servers[i]!.port}`]
    return [`[relay:r${i}]`, ...host, ...lines].join('\n')
  })
  haraka = await HarakaServer.start({
    overrides: [
      ...CASES.flatMap((_, i) => [
        `d${i}.example @r${i} $priority:1`,
        `d${i}.example 127.0.0.1:${backup.port} $priority:2`,
      ]),
      ...sections,
    ].join('\n'),
    loglevel: 'PROTOCOL',
    outbound: ['temp_fail_intervals=5s*10', 'local_mx_ok=false'],
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([backup, ...servers].map((server) => server?.close()))
})

CASES.forEach((one, i) => {
  test(`${one.relay.join(', ').replace(PASSWORD, '****') || 'no settings'}: ${one.what}`, async () => {
    const server = servers[i]!
    const recipient = `u@d${i}.example`
    const mark = haraka.mark()
    await haraka.send({ to: recipient, from: `s${i}@client.example` })
    const mine = (all: Scripted) => all.taken.filter(({ rcptTo }) => rcptTo.includes(recipient))
    await haraka.waitFor(() => haraka.queueFiles().length === 0, `delivery of ${recipient}`, [server, backup])
    const failed = haraka.lines(new RegExp(`relay r${i} is left out`), mark)
    if (one.outcome === 'taken') {
      assert.deepEqual(failed, [])
      assert.equal(mine(server).length, 1)
      assert.equal(mine(server)[0]!.secure, one.secure)
      assert.equal(mine(backup).length, 0)
    } else {
      assert.equal(failed.length, 1)
      assert.match(failed[0]!, one.outcome)
      assert.equal(mine(server).length, 0)
      assert.equal(mine(backup).length, 1, 'the next exchange took it in the same attempt')
    }
    if (one.heard !== undefined)
      assert.ok(
        server.lines.some((line) => one.heard!.test(line)),
        server.lines.join('\n'),
      )
    for (const line of server.lines) if (one.unheard?.test(line)) assert.fail(`it heard ${line}`)
    assert.deepEqual(haraka.lines(/bouncing mail|Temp fail/, mark), [])
    const log = haraka.since(mark)
    assert.ok(!log.includes(PASSWORD))
    assert.ok(!log.includes(Buffer.from(PASSWORD).toString('base64')))
    assert.ok(!log.includes(Buffer.from(`\0fred\0${PASSWORD}`).toString('base64')))
  })
})
