import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { literalAddress, toHost } from '../../lib/model/domain'
import { normalizeDomain, parseDomainPattern } from '../../lib/rules/domain-pattern'

describe('normalizeDomain', () => {
  const rows: (readonly [string, string | undefined])[] = [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['Müller.DE', 'xn--mller-kva.de'],
    ['MU\u0308LLER.de', 'xn--mller-kva.de'],
    ['faß.de', 'xn--fa-hia.de'],
    ['XN--MLLER-KVA.de', 'xn--mller-kva.de'],
    ['例え\u3002テスト', 'xn--r8jz45g.xn--zckzah'],
    ['ａ.example', 'a.example'],
    ['a_b.example', 'a_b.example'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[IPv6:2001:DB8::1]', '[IPv6:2001:DB8::1]'],
    // what node:url would make of these: 1.0.0.2, 0.0.0.123, "a.b", "a", "ab", ""
    ['1.2', '1.2'],
    ['１.２', '1.2'],
    ['123', '123'],
    ['a%2eb', undefined],
    ['ü%2eb', undefined],
    ['a/b', undefined],
    ['ü?b', undefined],
    ['a\tü', undefined],
    ['a..b', undefined],
    ['.a', undefined],
    ['', undefined],
    ['.', undefined],
    ['a b', undefined],
    ['a\u200db.c', undefined],
    ['ü／b.example', undefined],
    ['\ud800.example', undefined],
    ['a'.repeat(64), undefined],
    [`${'ü'.repeat(60)}.example`, undefined],
    [`${'a.'.repeat(127)}a`, undefined],
  ]
  for (const [text, expected] of rows) {
    it(JSON.stringify(text), () => assert.equal(normalizeDomain(text), expected))
  }

  it('never throws, and leaves its own result unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const name = normalizeDomain(text)
        if (name === undefined || name.startsWith('[')) return
        assert.match(name, /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/)
        assert.equal(normalizeDomain(name), name)
      }),
    )
  })
})

describe('parseDomainPattern', () => {
  const rows: (readonly [string, string | undefined])[] = [
    ['*', '*'],
    ['*.Demon.CO.uk', '*.demon.co.uk'],
    ['*.demon.co.uk.', '*.demon.co.uk'],
    ['mail?.x*y.example', 'mail?.x*y.example'],
    ['*.müller.de', '*.xn--mller-kva.de'],
    ['*müller.de', undefined],
    ['*xn--mller-kva.de', '*xn--mller-kva.de'],
    ['[192.0.2.*]', '[192.0.2.*]'],
    ['[IPv6:2001:DB8::1]', '[ipv6:2001:db8::1]'],
    ['a%b', undefined],
    ['a..b', undefined],
    ['*@example.com', undefined],
  ]
  for (const [text, expected] of rows) {
    it(JSON.stringify(text), () => {
      const parsed = parseDomainPattern(text)
      assert.equal(parsed.ok ? parsed.pattern : undefined, expected)
    })
  }

  it('never throws, and points into the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (text) => {
        const parsed = parseDomainPattern(text)
        assert.ok(parsed.ok || (parsed.start >= 0 && parsed.start < parsed.end))
      }),
    )
  })
})

describe('hosts and literals', () => {
  const hosts: (readonly [string, string | undefined])[] = [
    ['localhost', 'localhost'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:FFFF:7f00:1', '127.0.0.1'],
    ['192.0.2', undefined],
    ['a.0x1f', undefined],
    ['a-.b', undefined],
  ]
  for (const [text, expected] of hosts) it(`host ${text}`, () => assert.equal(toHost(text), expected))

  const literals: (readonly [string, string | undefined])[] = [
    ['[192.0.2.1]', '192.0.2.1'],
    ['[IPv6:2001:DB8::1]', '2001:db8::1'],
    ['[ipv6:::1]', '::1'],
    ['[IPv6:::ffff:127.0.0.1]', '127.0.0.1'],
    ['[2001:db8::1]', undefined],
    ['[192.0.2.256]', undefined],
    ['[tag:x]', undefined],
    ['192.0.2.1', undefined],
  ]
  for (const [text, expected] of literals)
    it(`literal ${text}`, () => assert.equal(literalAddress(text), expected))
})
