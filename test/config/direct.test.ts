import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_DIRECT, RELAY_TERMS } from '../../lib/model/terms'
import { configure, diagnose } from '../support/rules'

const settingsOf = (text: string) => configure(text).settings

function errorOf(text: string): string {
  const [first, ...more] = diagnose(text).filter(({ severity }) => severity === 'error')
  assert.ok(first)
  assert.deepEqual(more, [])
  return `${first.span.line}:${first.span.column} ${first.message}`
}

describe('[direct] and [direct:NAME]', () => {
  it('have the defaults of relays', () => {
    const { direct, directTerms } = settingsOf('')
    assert.deepEqual([direct, directTerms], [DEFAULT_DIRECT, []])
  })

  it('read every key', () => {
    const text =
      '[direct]\ntls = required\nbind = 192.0.2.7, 2001:db8::7\nbind_helo = mail.example.com\nfamily = v6\nnext_mx = temporary\nport = 2525\nretry_after = 5m\nmax_connections = 5\nmax_per_hour = 300'
    assert.deepEqual(settingsOf(text).direct, {
      port: 2525,
      terms: {
        ...DEFAULT_DIRECT.terms,
        tls: 'required',
        bind: { v4: '192.0.2.7', v6: '2001:db8::7' },
        bindHelo: 'mail.example.com',
        family: 'v6',
        nextMx: 'temporary',
        retryAfterMs: 300_000,
        maxConnections: 5,
        maxPerHour: 300,
      },
    })
  })

  it('[direct:NAME] takes missing keys from [direct], before or after it', () => {
    const text =
      '[direct:ms]\nfamily = v4\nmax_per_hour = 5\n[direct]\ntls = off\nport = 26\nbind = 192.0.2.7\nmax_connections = 3\nmax_per_hour = 9\n[overrides]\n* @MS'
    const [ms] = settingsOf(text).directTerms
    assert.ok(ms)
    const { span, ...rest } = ms
    assert.deepEqual(rest, {
      name: 'ms',
      port: 26,
      terms: {
        ...DEFAULT_DIRECT.terms,
        tls: 'off',
        bind: { v4: '192.0.2.7' },
        family: 'v4',
        maxConnections: 3,
        maxPerHour: 5,
      },
    })
    assert.deepEqual(span, { line: 1, column: 1, length: 11 })
  })

  const rows: (readonly [string, string])[] = [
    ['[direct]\nhost = a.example', '2:1 unknown setting host'],
    ['[direct]\nlmtp = true', '2:1 unknown setting lmtp'],
    ['[direct]\nmax_connections = 0', '2:19 bad value "0" for max_connections'],
    ['[direct]\nretry_after = 2h', '2:15 bad value "2h" for retry_after'],
    ['[direct]\nfamily = 5', '2:10 bad value "5" for family'],
    ['[direct]\nnext_mx = always', '2:11 bad value "always" for next_mx'],
    ['[direct]\nbind = 192.0.2.1, 192.0.2.2', '2:8 bad value "192.0.2.1, 192.0.2.2" for bind'],
    ['[direct]\nbind = mail.example', '2:8 bad value "mail.example" for bind'],
    [
      '[direct]\nport = 465',
      '2:8 mail servers of a domain do not speak TLS from the first byte, as port 465 does',
    ],
    ['[direct]\nbind = 192.0.2.1\nfamily = v6', '2:8 with family = v6 nothing can be sent from 192.0.2.1'],
    [
      '[direct]\nbind = 192.0.2.1\n[direct:x]\nfamily = v6\n[overrides]\n* @x',
      '4:10 with family = v6 nothing can be sent from 192.0.2.1',
    ],
    ['[direct]\n[direct]', '2:1 this section is in the file twice'],
    ['[direct:a]\n[direct:A]\n[overrides]\n* @a', '2:1 this section is in the file twice'],
    ['[direct:]', '1:1 terms need a name of letters, digits, "-", "_" and "."'],
    [
      '[direct:isp]\n[relay:ISP]\nhost = a.example\n[overrides]\n* @isp',
      '1:1 a relay is called @isp already',
    ],
    ['[directt:x]', '1:1 unknown section'],
    ['[overrides]\n* @y\n[direct:x]', '2:3 unknown relay @y'],
  ]
  for (const [text, message] of rows) {
    it(`refuse ${JSON.stringify(text)}`, () => assert.equal(errorOf(text), message))
  }

  it('are suggested for similar names', () => {
    assert.equal(diagnose('[directt:x]')[0]?.suggestion, '[direct:x]')
    assert.equal(diagnose('* @micro\n[direct:micros]')[0]?.suggestion, '@micros')
  })

  it('show no secret of a header or a key', () => {
    const text = '[direct:fred:S3cret@h]\n[direct]\npassword = S3cret\nbind = fred:S3cret@h'
    assert.doesNotMatch(JSON.stringify(diagnose(text)), /S3cret/)
  })
})

describe('[relay:NAME]', () => {
  it('has family, next_mx and a bind for each family', () => {
    const text = '[relay:isp]\nhost = a.example\nfamily = ipv4\n'
    assert.equal(diagnose(text)[0]?.suggestion, 'v4')
    const [relay] = settingsOf(
      '[relay:isp]\nhost = a.example\nfamily = v4\nnext_mx = no_answer\nbind = 2001:db8::7,192.0.2.7',
    ).relays
    assert.deepEqual(relay?.terms, {
      ...RELAY_TERMS,
      family: 'v4',
      nextMx: 'no_answer',
      bind: { v4: '192.0.2.7', v6: '2001:db8::7' },
    })
  })
})
