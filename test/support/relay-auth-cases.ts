import { type RelayCase, PASSWORD, USER, TLS, PLAIN, says } from './relay-case'

/** The login to a relay, and the conversation around it. */
export const AUTH_CASES: readonly RelayCase[] = [
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
  ...['421 busy', '450 later', '554 no service', '220-hello\r\n554 after all', 'what is this', '22'].map(
    (text) => ({
      what: `greeting ${text.replace('\r\n', ' ')}`,
      relay: [],
      server: says('CONNECT', text),
      outcome: /it greeted with|its reply is not SMTP/,
      unheard: /EHLO/,
    }),
  ),
  {
    what: 'greeting 220 without a text',
    relay: [],
    server: says('CONNECT', '220'),
    outcome: 'taken',
    secure: false,
  },
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
