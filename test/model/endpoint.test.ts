import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatEndpoint, parseEndpoint, splitBareIPv6 } from '../../lib/model/endpoint'

describe('host[:port] is read in one way everywhere', () => {
  for (const [text, host, port, bareIPv6] of [
    ['smtp.example.net', 'smtp.example.net', undefined, false],
    ['SMTP.Example.NET.:587', 'smtp.example.net', 587, false],
    ['müller.example', 'xn--mller-kva.example', undefined, false],
    ['192.0.2.1:65535', '192.0.2.1', 65_535, false],
    ['[2001:DB8:0::1]:25', '2001:db8::1', 25, false],
    ['[::1]', '::1', undefined, false],
    ['2001:DB8:0::1', '2001:db8::1', undefined, true],
  ] as const) {
    it(`${text}: ${host}, port ${port}`, () => {
      const expected = { ok: true, host, bareIPv6, ...(port === undefined ? {} : { port }) }
      assert.deepEqual(parseEndpoint(text), expected)
    })
  }

  for (const [text, fault, start, end, suggestion] of [
    ['', 'missing-host', 0, 0, undefined],
    [':25', 'missing-host', 0, 0, undefined],
    ['[]:25', 'missing-host', 0, 2, undefined],
    ['a..b:25', 'bad-host', 0, 4, undefined],
    ['192.0.2.256', 'bad-host', 0, 11, undefined],
    ['[192.0.2.1]:25', 'bad-host', 0, 11, '192.0.2.1'],
    ['[IPv6:::1]', 'bad-host', 0, 10, '[::1]'],
    ['[::1', 'bad-host', 0, 4, undefined],
    ['a.example:', 'bad-port', 9, 10, undefined],
    ['a.example:0', 'bad-port', 9, 11, undefined],
    ['a.example:65536', 'bad-port', 9, 15, undefined],
    ['a.example:25:26', 'bad-port', 9, 15, undefined],
    ['[::1]25', 'bad-port', 5, 7, undefined],
  ] as const) {
    it(`${JSON.stringify(text)}: ${fault}`, () => {
      const expected = { ok: false, fault, start, end, ...(suggestion === undefined ? {} : { suggestion }) }
      assert.deepEqual(parseEndpoint(text), expected)
    })
  }

  it('an IPv6 address may end in a well-known port', () => {
    assert.deepEqual(splitBareIPv6('2001:db8::1:587'), { host: '2001:db8::1', port: 587 })
    for (const text of ['2001:db8::587', '2001:db8::1:588', '1:2:3:4:5:6:7:25', '[::1]:25', 'h:25', '::25']) {
      assert.equal(splitBareIPv6(text), undefined, text)
    }
  })

  it('an IPv6 address is written in brackets', () => {
    assert.equal(formatEndpoint({ host: '2001:db8::1', port: 587 }), '[2001:db8::1]:587')
    assert.equal(formatEndpoint({ host: 'a.example', port: 25 }), 'a.example:25')
  })
})
