import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { passwordOf, relayOf } from '../support/servers'
import { diagnose, NO_SECRETS } from '../support/rules'
import { settingsOf, errorOf } from '../support/settings'

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
})
