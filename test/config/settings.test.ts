import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_DIRECT } from '../../lib/model/terms'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import type { SecretSources } from '../../lib/config/types'
import { passwordOf, relayOf } from '../support/servers'
import { configure, diagnose, NO_SECRETS } from '../support/rules'

const settingsOf = (text: string, secrets: SecretSources = NO_SECRETS) => configure(text, secrets).settings

/** The one error of a text: `line:column message`. */
function errorOf(text: string, secrets: SecretSources = NO_SECRETS): string {
  const errors = diagnose(text, secrets).filter(({ severity }) => severity === 'error')
  assert.equal(errors.length, 1, JSON.stringify(errors))
  const { span, message } = errors[0]!
  return `${span.line}:${span.column} ${message}`
}

describe('an empty file', () => {
  it('gives the defaults', () => {
    const settings = settingsOf('')
    assert.deepEqual(settings, {
      dnsServers: [],
      dnsCacheSize: 1000,
      dns: DNS_DEFAULTS,
      dnsZones: [],
      relays: [],
      direct: DEFAULT_DIRECT,
      directTerms: [],
      attempts: [],
      status: { allow: ['127.0.0.0/8', '::1/128'], proxies: [] },
      tests: { onReload: 'warn' },
    })
    assert.ok(settings.dns.deadlineMs < 30_000, 'below the time that Haraka gives a hook')
  })
})

describe('dns_servers', () => {
  const rows: (readonly [string, object[]])[] = [
    ['', []],
    ['192.0.2.1', [{ address: '192.0.2.1', port: 53, transport: 'udp' }]],
    ['192.0.2.1:5353', [{ address: '192.0.2.1', port: 5353, transport: 'udp' }]],
    ['[::1]', [{ address: '::1', port: 53, transport: 'udp' }]],
    ['2001:DB8::1', [{ address: '2001:db8::1', port: 53, transport: 'udp' }]],
    [
      '127.0.0.1,[::1]:5353',
      [
        { address: '127.0.0.1', port: 53, transport: 'udp' },
        { address: '::1', port: 5353, transport: 'udp' },
      ],
    ],
    ['tls://192.0.2.1', [{ address: '192.0.2.1', port: 853, transport: 'tls' }]],
    [
      'TLS://[2001:db8::1]:8853#DNS.example.net',
      [{ address: '2001:db8::1', port: 8853, transport: 'tls', tlsName: 'dns.example.net' }],
    ],
  ]
  for (const [text, servers] of rows) {
    it(JSON.stringify(text), () => assert.deepEqual(settingsOf(`dns_servers = ${text}`).dnsServers, servers))
  }

  for (const [text, column, expected] of [
    ['2001:db8::1:53', 15, '[2001:db8::1]:53 for port 53, or [2001:db8::1:53] for the address'],
    ['192.0.2.1, ::1:5353', 26, '[::1]:5353 for port 5353, or [::1:5353] for the address'],
    [
      'tls://2001:db8::1:853',
      15,
      'tls://[2001:db8::1]:853 for port 853, or tls://[2001:db8::1:853] for the address',
    ],
  ] as const) {
    it(`${text} may be an address with or without a port, and both are suggested with brackets`, () => {
      for (const section of ['', '[zone:corp.example]\n']) {
        const [found, ...more] = diagnose(`${section}dns_servers = ${text}`)
        assert.deepEqual(more, [])
        assert.equal(found?.message, 'an IPv6 address without brackets may end in a port')
        assert.deepEqual([found.span.column, found.expected], [column, expected])
      }
    })
  }

  it('an IPv6 address whose last group only looks like a port is an address', () => {
    for (const address of ['2001:db8::53', '2001:db8::1:54', '2001:db8:0:0:0:0:1:53', '[2001:db8::1:53]']) {
      assert.equal(settingsOf(`dns_servers = ${address}`).dnsServers.length, 1)
    }
  })

  it('points at every wrong server', () => {
    const found = diagnose('dns_servers = 1.2.3.4:99999, 192.0.2.1, foo, [::1')
    assert.deepEqual(
      found.map(({ span }) => span.column),
      [15, 41, 46],
    )
  })

  for (const [text, column] of [
    ['dns.example.net', 15],
    ['127.0.0.1, 192.0.2.256', 26],
    ['127.0.0.1,,::1', 25],
    ['127.0.0.1:0', 15],
    ['127.0.0.1:65536', 15],
    ['[127.0.0.1]', 15],
    ['tls://127.0.0.1#', 15],
    ['https://127.0.0.1', 15],
    ['127.0.0.1#name', 15],
  ] as const) {
    it(`refuses ${text}`, () => assert.match(errorOf(`dns_servers = ${text}`), new RegExp(`^1:${column} `)))
  }
})

describe('[dns]', () => {
  it('reads durations with units; a plain number is seconds', () => {
    const { dns } = settingsOf(
      '[dns]\norder = Fastest\ntimeout = 500ms\ntries = 2\ndeadline = 20\nmin_ttl = 5s\nmax_ttl = 1h\nmax_negative_ttl = 10m\n' +
        'failure_ttl = 2\nmax_failure_ttl = 1m\nserve_stale = 1d\nprefetch = 10%\nmax_in_flight = 20\nedns_size = 0',
    )
    assert.deepEqual(dns, {
      order: 'fastest',
      timeoutMs: 500,
      tries: 2,
      deadlineMs: 20_000,
      minTtlSeconds: 5,
      maxTtlSeconds: 3600,
      maxNegativeTtlSeconds: 600,
      failureTtlSeconds: 2,
      maxFailureTtlSeconds: 60,
      serveStaleSeconds: 86_400,
      prefetchPercent: 10,
      maxInFlight: 20,
      ednsSize: 0,
    })
  })

  for (const [line, message] of [
    ['deadline = 26s', 'bad value "26s" for deadline'],
    ['timeout = 0', 'bad value "0" for timeout'],
    ['timeout = 5 sec', 'bad value "5 sec" for timeout'],
    ['order = random', 'bad value "random" for order'],
    ['tries = 0', 'bad value "0" for tries'],
    ['tries =', 'no value for tries'],
    ['max_failure_ttl = 6m', 'bad value "6m" for max_failure_ttl'],
    ['prefetch = 91', 'bad value "91" for prefetch'],
    ['edns_size = 100', 'bad value "100" for edns_size'],
    ['timeout = 16s', 'timeout is above deadline'],
    ['deadline = 1s', 'timeout is above deadline'],
    ['max_ttl = 0\nmin_ttl = 1', 'min_ttl is above max_ttl'],
  ] as const) {
    it(`refuses ${line}`, () =>
      assert.ok(errorOf(`[dns]\n${line}`).endsWith(` ${message}`), errorOf(`[dns]\n${line}`)))
  }
})

describe('other settings', () => {
  it('are read', () => {
    const settings = settingsOf(
      'dns_cache_size = 0\nmx_sending_threads = 10 ; all workers\n[status]\nallow = 192.0.2.0/24, ::1\n' +
        '[tests]\non_reload = REFUSE\njoe@example.com -> ann@example.com : direct\n[redis]\nhost = 192.0.2.1\nconnecttimeout = 5',
    )
    assert.equal(settings.dnsCacheSize, 0)
    assert.equal(settings.mxSendingThreads, 10)
    assert.deepEqual(settings.status.allow, ['192.0.2.0/24', '::1'])
    assert.equal(settings.tests.onReload, 'refuse')
    assert.deepEqual(settings.redis, { host: '192.0.2.1', connectTimeout: '5' })
  })

  it('accepts [redis]', () => {
    assert.deepEqual(
      diagnose('[redis]\nhost = 192.0.2.1').map(({ severity, code }) => [severity, code]),
      [],
    )
  })

  for (const [text, message] of [
    ['mx_sending_threads = 0', '1:22 bad value "0" for mx_sending_threads'],
    ['mx_sending_threads = ten', '1:22 bad value "ten" for mx_sending_threads'],
    ['dns_cache_size = 1k', '1:18 bad value "1k" for dns_cache_size'],
    ['[status]\nallow = localhost', '2:9 bad value "localhost" for allow'],
    ['[status]\nallow = 192.0.2.0/33', '2:9 bad value "192.0.2.0/33" for allow'],
    ['[tests]\non_reload = stop', '2:13 bad value "stop" for on_reload'],
  ] as const) {
    it(`refuses ${text}`, () => assert.equal(errorOf(text), message))
  }
})

describe('[relay:NAME]', () => {
  it('has the defaults of an inline target', () => {
    const [relay] = settingsOf('[relay:isp]\nhost = SMTP.example.net').relays
    assert.ok(relay)
    const { span, ...rest } = relay
    assert.deepEqual(rest, relayOf({ name: 'isp', host: 'smtp.example.net' }))
    assert.deepEqual(span, { line: 1, column: 1, length: 11 })
  })

  it('reads every key', () => {
    const text = `[relay:isp]
host = [2001:db8::1]
port = 587
user = fred@example.com
password = Pass w0rd;#=   ; not this
auth_type = CRAM-MD5
tls = required
allow_plaintext_auth = yes
bind = 2001:db8::7
bind_helo = mail.example.com
lmtp = true
priority = 5
retry_after = 2m
max_connections = 3
max_per_hour = 100`
    const [relay] = settingsOf(text).relays
    assert.ok(relay)
    const { credentials, span: _, passwordSpan, ...rest } = relay
    assert.deepEqual(passwordSpan, { line: 5, column: 1, length: 8 })
    assert.deepEqual(rest, {
      name: 'isp',
      endpoint: { host: '2001:db8::1', port: 587 },
      terms: {
        tls: 'required',
        family: 'any',
        nextMx: 'connection',
        bind: { v6: '2001:db8::7' },
        bindHelo: 'mail.example.com',
        lmtp: true,
        retryAfterMs: 120_000,
        maxConnections: 3,
        maxPerHour: 100,
      },
      authType: 'cram-md5',
      implicitTls: false,
      allowPlaintextAuth: true,
      priority: 5,
    })
    assert.equal(credentials?.user, 'fred@example.com')
    assert.equal(passwordOf(credentials), 'Pass w0rd;#=')
  })

  for (const [host, expected] of [
    ['smtps://smtp.example.net', ['smtp.example.net', 465]],
    ['smtps://smtp.example.net:4650', ['smtp.example.net', 4650]],
    ['smtps://[::1]:4650', ['::1', 4650]],
  ] as const) {
    it(`${host} is TLS from the first byte and requires TLS`, () => {
      const { endpoint, implicitTls, terms } = settingsOf(`[relay:isp]\nhost = ${host}`).relays[0]!
      assert.deepEqual([endpoint.host, endpoint.port], expected)
      assert.deepEqual([implicitTls, terms.tls], [true, 'required'])
    })
  }

  for (const [lines, message] of [
    ['port = 25', '1:1 relay [relay:isp] has no host'],
    ['host = fred:pw@h', '2:8 bad value "fred:**@h" for host'],
    ['host = “h”', '2:8 the curly quote "“" (U+201C) is not allowed in a host name'],
    ['host = smtps://a–b', '2:17 the en dash "–" (U+2013) is not allowed in a host name'],
    ['host = h\nbind_helo = a–b', '3:14 the en dash "–" (U+2013) is not allowed in a host name'],
    ['host = h:587', '2:8 bad value "h:587" for host'],
    ['host = http://h', '2:8 bad value "http://h" for host'],
    ['host = h\nport = 465', '3:8 port 465 speaks TLS from the first byte'],
    ['host = smtps://h:466\nport = 465', '3:8 host and port name different ports'],
    ['host = smtps://h\ntls = off', '3:7 smtps:// is always encrypted, and tls is off'],
    ['host = h\nuser = joe', '3:1 user without a password'],
    ['host = h\npassword = x', '3:1 password without user'],
    ['host = h\nuser = joe\npassword = x\npassword_env = X', '5:1 password_env beside password'],
    ['host = h\nuser = joe\npassword =', '4:11 no value for password'],
    ['host = h\nauth_type = plain', '3:1 auth_type without user'],
    ['host = h\nuser = joe\npassword = x\nauth_type = ntlm', '5:13 bad value "ntlm" for auth_type'],
    ['host = h\ntls = requird', '3:7 bad value "requird" for tls'],
    ['host = 2001:db8::1:587', '2:8 an IPv6 address without brackets may end in a port'],
    ['host = smtps://2001:db8::1:465', '2:8 an IPv6 address without brackets may end in a port'],
    ['host = 192.0.2.1\nfamily = v6', '2:8 no mail can go to 192.0.2.1: family = v6'],
    ['host = 2001:db8::1\nbind = 192.0.2.7', '2:8 no mail can go to 2001:db8::1: bind = 192.0.2.7'],
    ['host = h\nbind = localhost', '3:8 bad value "localhost" for bind'],
    ['host = h\nlmtp = maybe', '3:8 bad value "maybe" for lmtp'],
    ['host = h\npriority = 65536', '3:12 bad value "65536" for priority'],
    ['host = h\nretry_after = 2h', '3:15 bad value "2h" for retry_after'],
    ['host = h\nmax_connections = 0', '3:19 bad value "0" for max_connections'],
    ['host = h\nuser = joe\npassword_env = NONE', '4:16 the environment variable of password_env is not set'],
    ['host = h\nuser = joe\npassword_env = EMPTY', '4:16 the environment variable of password_env is empty'],
    [
      'host = h\nuser = joe\npassword_env = LINES',
      '4:16 the environment variable of password_env holds a line break or another control character',
    ],
    [
      'host = h\nuser = joe\npassword_env = constructor',
      '4:16 the environment variable of password_env is not set',
    ],
    [
      'host = h\nuser = joe\npassword_env = LATIN',
      '4:16 the environment variable of password_env is not UTF-8',
    ],
    ['host = h\nuser = joe\npassword = x\ntls = off', '5:7 with tls = off the password is never sent'],
    [
      'host = h\nuser = joe\npassword_file = none',
      '4:17 the password file cannot be read: there is no such file',
    ],
  ] as const) {
    it(`${JSON.stringify(lines)}: ${message}`, () => {
      const secrets = { ...NO_SECRETS, env: { EMPTY: '', LINES: 'a\nb', LATIN: 'p\ufffdss' } }
      assert.equal(errorOf(`[relay:isp]\n${lines}`, secrets), message)
    })
  }

  it('explains how to write implicit TLS', () => {
    assert.equal(diagnose('[relay:isp]\nhost = h\nport = 465')[0]?.suggestion, 'host = smtps://h')
  })

  it('takes the password from the environment', () => {
    const text = '[relay:isp]\nhost = h\nuser = joe\npassword_env = ISP_PASSWORD'
    const { credentials } = settingsOf(text, { ...NO_SECRETS, env: { ISP_PASSWORD: 'letmein' } }).relays[0]!
    assert.equal(passwordOf(credentials), 'letmein')
  })

  for (const [text, password] of [
    ['letmein', 'letmein'],
    ['letmein\n', 'letmein'],
    ['\ufeffletmein\r\n', 'letmein'],
    [' let me in ', ' let me in '],
    ['pässwört\n', 'pässwört'],
  ] as const) {
    it(`a password file of ${JSON.stringify(text)}`, () => {
      const secrets = { env: {}, readFile: () => ({ text, mode: 0o600 }) }
      const file = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      assert.deepEqual(diagnose(file, secrets), [])
      const relay = settingsOf(file, secrets).relays[0]!
      assert.equal(passwordOf(relay.credentials), password)
    })
  }

  for (const [text, problem] of [
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['\ufeff\n', 'is empty'],
    ['p\ufffdss\n', 'is not UTF-8'],
    ['\ufffd\ufffdp\0a\0', 'is UTF-16'],
    ['p\0a\0s\0s\0', 'is UTF-16'],
    ['pass\0word\n', 'holds a NUL character'],
    ['let\u001bmein', 'holds a line break or another control character'],
    ['let\nmein\n', 'holds a line break or another control character'],
  ] as const) {
    it(`refuses a password file of ${JSON.stringify(text)}`, () => {
      const secrets = { env: {}, readFile: () => ({ text, mode: 0o600 }) }
      const file = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      assert.equal(errorOf(file, secrets), `4:17 the password file ${problem}`)
    })
  }

  for (const [password, message] of [
    ['"letmein"', 'the quotes are part of the value'],
    ["'letmein'", 'the quotes are part of the value'],
    ['${ISP_PASSWORD}', 'variables are not replaced: "${" and "}" are part of the value'],
    ['letmein # of the ISP', '"#" is part of the value'],
  ] as const) {
    it(`warns of ${password} in a password file and in a variable, and shows no password`, () => {
      const secrets = { env: { ISP: password }, readFile: () => ({ text: `${password}\n`, mode: 0o600 }) }
      for (const [setting, place] of [
        ['password_file = isp.pw', 'the password file'],
        ['password_env = ISP', 'the environment variable of password_env'],
      ]) {
        const file = `[relay:isp]\nhost = h\nuser = joe\n${setting}`
        const [found, ...more] = diagnose(file, secrets)
        assert.deepEqual([found?.severity, found?.message, more], ['warning', `${place}: ${message}`, []])
        assert.doesNotMatch(JSON.stringify(found), /letmein/)
        assert.equal(passwordOf(settingsOf(file, secrets).relays[0]?.credentials), password)
      }
    })
  }

  it('warns of a missing secret if the command does not connect to relays', () => {
    const text =
      '[relay:a]\nhost = h\nuser = joe\npassword_env = NONE\n[relay:b]\nhost = h\nuser = ann\npassword_file = none'
    const secrets = { ...NO_SECRETS, missing: 'warning' } as const
    assert.deepEqual(
      diagnose(text, secrets).map(({ severity, code, message }) => [severity, code, message]),
      [
        ['warning', 'no-secret', 'the environment variable of password_env is not set'],
        ['warning', 'no-secret', 'the password file cannot be read: there is no such file'],
      ],
    )
    assert.deepEqual(
      settingsOf(text, secrets).relays.map(({ credentials }) => credentials?.user),
      ['joe', 'ann'],
    )
  })

  it('accepts tls = off with a password only with allow_plaintext_auth', () => {
    const text = '[relay:isp]\nhost = h\nuser = joe\npassword = x\ntls = off\nallow_plaintext_auth = true'
    assert.deepEqual(diagnose(text), [])
  })

  for (const [mode, codes] of [
    [0o600, []],
    [0o644, ['secret-readable']],
    [0o640, ['secret-readable']],
  ] as const) {
    it(`takes the password from a file of mode ${mode.toString(8)} beside the configuration`, () => {
      const asked: string[] = []
      const secrets: SecretSources = {
        env: {},
        readFile: (path) => {
          asked.push(path)
          return { text: 'letmein\r\n', mode }
        },
      }
      const text = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      const { credentials } = settingsOf(text, secrets).relays[0]!
      assert.equal(passwordOf(credentials), 'letmein')
      assert.match(asked[0] ?? '', /^\/.*\/isp\.secret$/)
      assert.deepEqual(
        diagnose(text, secrets).map(({ code }) => code),
        codes,
      )
    })
  }
})

describe('a value in the syntax of other formats', () => {
  const relay = '[relay:isp]\nhost = h\nuser = joe\n'
  for (const [line, column, message] of [
    ['password = "letmein"', 12, 'the quotes are part of the value'],
    ["password = 'letmein'", 12, 'the quotes are part of the value'],
    ['password = ${ISP_PASSWORD}', 12, 'variables are not replaced: "${" and "}" are part of the value'],
    ['password = letmein # of the provider', 20, '"#" is part of the value'],
    ['password_file = "isp.secret"', 17, 'the quotes are part of the value'],
  ] as const) {
    it(`warns of ${line}`, () => {
      const secrets = { env: {}, readFile: () => ({ text: 'letmein', mode: 0o600 }) }
      const found = diagnose(`${relay}${line}`, secrets)
      assert.deepEqual(
        found.map(({ severity, code, span, ...rest }) => [
          severity,
          code,
          span.line,
          span.column,
          rest.message,
        ]),
        [['warning', 'doubtful-value', 4, column, message]],
      )
      assert.doesNotMatch(JSON.stringify(found), /letmein/)
    })
  }

  it('is taken literally', () => {
    const [isp] = settingsOf(`${relay}password = "let#me;in" ; really`).relays
    assert.equal(passwordOf(isp?.credentials), '"let#me;in"')
  })

  for (const [text, suggestion] of [
    ['[relay:isp]\nhost = "smtp.example.net"', 'smtp.example.net'],
    ['[relay:isp]\nhost = h\nport = 587 # submission', '587'],
    ['[dns]\ntimeout = "2s"', '2s'],
    ['dns_cache_size = 500 # entries', '500'],
    ['[relay:isp]\nhost = h\ntls = yes', 'required'],
    ['[relay:isp]\nhost = h\ntls = no', 'off'],
    ['[relay:isp]\nhost = h\ntls = requird', 'required'],
  ] as const) {
    it(`${JSON.stringify(text)} suggests ${suggestion}`, () => {
      assert.deepEqual(
        diagnose(text).map(({ severity, ...rest }) => [severity, rest.suggestion]),
        [['error', suggestion]],
      )
    })
  }
})

describe('[attempts]', () => {
  const relay = '[relay:isp]\nhost = h\n[attempts]\n'

  it('reads entries in order', () => {
    const { attempts } = settingsOf(
      `${relay}example.com direct=2 relay=3 ; as before\n*\tRELAY=1 DIRECT=0\t;`,
    )
    assert.deepEqual(
      attempts.map(({ pattern, direct, relay: by }) => [pattern, direct, by]),
      [
        ['example.com', 2, 3],
        ['*', 0, 1],
      ],
    )
  })

  for (const [line, message] of [
    ['*', '4:1 direct is missing'],
    ['* direct=2', '4:1 relay is missing'],
    ['* direct=2 ; relay=3', '4:1 relay is missing'],
    ['* direct = 2 relay=3', '4:3 white space around "="'],
    ['* direct=2 relay= 3', '4:12 white space around "="'],
    ['* direct =2 relay=3', '4:3 white space around "="'],
    ['* direct=2 relay=3;x', '4:12 bad number of attempts for relay'],
    ['* direct=2 rely=3', '4:12 neither direct=<n> nor relay=<m>'],
    ['* direct=2 relay=2 relay=3', '4:20 relay is given twice'],
    ['* direct=x relay=2', '4:3 bad number of attempts for direct'],
    ['a..b direct=1 relay=1', '4:3 an empty label'],
  ] as const) {
    it(`refuses ${line}`, () => assert.equal(errorOf(`${relay}${line}`), message))
  }

  it('warns of an entry by which every message bounces', () => {
    const text = `${relay}* direct=0 relay=0`
    assert.deepEqual(
      diagnose(text).map(({ severity, code, span }) => [severity, code, span.line]),
      [['warning', 'no-attempts', 4]],
    )
    assert.deepEqual(
      settingsOf(text).attempts.map(({ direct, relay: relayed }) => [direct, relayed]),
      [[0, 0]],
    )
  })

  it('refuses attempts through relays if there are no relays', () => {
    assert.equal(
      errorOf('[attempts]\n* direct=1 relay=1'),
      '2:12 attempts through relays, but the file has no relay',
    )
  })

  it('warns of an entry after the entry for *', () => {
    const warnings = diagnose(`${relay}* direct=1 relay=1\nexample.com direct=1 relay=0`)
    assert.deepEqual(
      warnings.map(({ severity, code, span }) => [severity, code, span.line]),
      [['warning', 'never-reached', 5]],
    )
  })
})
