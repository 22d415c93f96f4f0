import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configure, diagnose } from '../support/rules'

const zonesOf = (text: string) => configure(text).settings.dnsZones
const SERVER = { address: '192.0.2.53', port: 53, transport: 'udp' }

/** `line:column code message`. */
const mistakes = (text: string) =>
  diagnose(text).map(({ span, code, message }) => `${span.line}:${span.column} ${code} ${message}`)

describe('[zone:DOMAIN]', () => {
  for (const header of ['[zone:corp.internal]', '[ Zone : Corp.Internal. ]', '[zone:corp.internal] ; ours']) {
    it(`${header} is the domain in lower case, with its servers`, () =>
      assert.deepEqual(zonesOf(`${header}\ndns_servers = 192.0.2.53`), [
        { domain: 'corp.internal', servers: [SERVER] },
      ]))
  }

  it('a U-label becomes its A-label (RFC 5891)', () =>
    assert.deepEqual(
      zonesOf('[zone:m\u00fcnchen.example]\ndns_servers = 192.0.2.53').map(({ domain }) => domain),
      ['xn--mnchen-3ya.example'],
    ))

  it('reads several zones, with servers of all kinds', () =>
    assert.deepEqual(
      zonesOf(
        '[zone:a.example]\ndns_servers = 192.0.2.53, [::1]:5353\n[zone:example]\ndns_servers = tls://192.0.2.1',
      ).map(({ domain, servers }) => [domain, servers.length]),
      [
        ['a.example', 2],
        ['example', 1],
      ],
    ))

  const rows: readonly (readonly [what: string, text: string, mistakes: readonly string[]])[] = [
    ['no servers', '[zone:a.example]', ['1:1 zone-without-servers this zone has no DNS servers']],
    [
      'blank servers',
      '[zone:a.example]\ndns_servers =',
      ['2:1 zone-without-servers this zone has no DNS servers'],
    ],
    [
      'a bad server',
      '[zone:a.example]\ndns_servers = 192.0.2.300',
      ['2:15 bad-value bad value "192.0.2.300" for dns_servers'],
    ],
    [
      'the same zone twice, in other words',
      '[zone:a.example]\ndns_servers = 192.0.2.1\n[zone:A.Example.]\ndns_servers = 192.0.2.2',
      ['3:1 duplicate-section this section is in the file twice'],
    ],
    [
      'a key twice',
      '[zone:a.example]\ndns_servers = 192.0.2.1\ndns_servers = 192.0.2.2',
      ['3:1 duplicate-key dns_servers is given twice'],
    ],
    [
      'a key of another section',
      '[zone:a.example]\ndns_servers = 192.0.2.1\ntimeout = 2s',
      ['3:1 unknown-key unknown setting timeout'],
    ],
    [
      'a character that no domain has',
      '[zone:corp–x.example]\ndns_servers = 192.0.2.1',
      ['1:1 bad-zone the en dash "–" (U+2013) is not allowed in a domain'],
    ],
    ['no domain', '[zone:]\ndns_servers = 192.0.2.1', ['1:1 bad-zone a zone is named by a domain']],
    [
      'a wildcard',
      '[zone:*.a.example]\ndns_servers = 192.0.2.1',
      ['1:1 bad-zone a zone is named by a domain'],
    ],
    [
      'a name with an empty label',
      '[zone:a..b]\ndns_servers = 192.0.2.1',
      ['1:1 bad-zone a zone is named by a domain'],
    ],
  ]
  for (const [what, text, expected] of rows) {
    it(`refuses ${what}`, () => assert.deepEqual(mistakes(text), expected))
  }

  it('suggests the section name for a similar one', () =>
    assert.equal(diagnose('[zones:a.example]')[0]?.suggestion, '[zone:DOMAIN]'))
})
