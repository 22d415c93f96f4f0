import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHostName, isWithin, toQueryName, wireLength, writeName } from '../../lib/dns/names'
import { wireName } from '../support/dns-wire'

const QUERY_NAMES: readonly (readonly [text: string, name: string | undefined, why: string])[] = [
  ['Example.COM', 'example.com', 'case does not matter (RFC 4343)'],
  ['example.com.', 'example.com', 'a trailing dot is the root'],
  ['_dmarc.example.com', '_dmarc.example.com', 'any label may be asked for (RFC 2181 11)'],
  ['bücher.example', 'xn--bcher-kva.example', 'U-labels go through IDNA (RFC 5891)'],
  ['BÜCHER.example', 'xn--bcher-kva.example', 'and are mapped to lower case'],
  ['ŧmail.test', 'xn--mail-96a.test', 'codes are not cut to 8 bits: this is not gmail.test'],
  ['a。example', 'a.example', 'the ideographic full stop is a dot (UTS 46)'],
  ['a..b', undefined, 'an empty label is not left out'],
  ['.a', undefined, 'nor one at the start'],
  ['a..', undefined, 'nor a second dot at the end'],
  ['', undefined, 'no name at all'],
  ['.', undefined, 'the root has no mail'],
  ['a b.example', undefined, 'a blank'],
  ['a\0b.example', undefined, 'a NUL'],
  ['a\nb.example', undefined, 'a line break'],
  ['a\\.b.example', undefined, 'an escaped dot'],
  ['a@b.example', undefined, 'a mail address is not a name'],
  ['[192.0.2.1]', undefined, 'a domain literal is not a name'],
  ['ü%2e.example', undefined, 'an escape that domainToASCII would undo'],
  ['ü/x.example', undefined, 'text that domainToASCII would take for a path'],
  ['１２７.0.0.1', undefined, 'digits that domainToASCII would read as an address'],
  ['\u{202e}.example', undefined, 'characters that IDNA forbids'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`, 'a label of 63 octets (RFC 1035 2.3.4)'],
  [`${'a'.repeat(64)}.example`, undefined, 'a label of 64 octets'],
  [`${'a.'.repeat(126)}a`, `${'a.'.repeat(126)}a`, '253 characters: 255 octets'],
  [`${'a.'.repeat(126)}aa`, undefined, '254 characters'],
]

test('names in questions are strict (RFC 4343, 5891, 1035 2.3.4)', async (t) => {
  for (const [text, name, why] of QUERY_NAMES) {
    await t.test(`${JSON.stringify(text.slice(0, 30))}: ${why}`, () => assert.equal(toQueryName(text), name))
  }
})

const HOST_NAMES: readonly (readonly [name: string, good: boolean])[] = [
  ['mx.example.com', true],
  ['localhost', true],
  ['3com.example', true],
  ['a_b.example', true],
  ['xn--bcher-kva.example', true],
  ['', false],
  ['-a.example', false],
  ['a-.example', false],
  ['a b.example', false],
  ['a\\.b.example', false],
  ['*.example', false],
  ['192.0.2.1', false],
  ['192.0.2', false],
  ['host.0x7f', false],
  ['2001:db8::1', false],
  ['höst.example', false],
]

test('host names follow RFC 1123 2.1', async (t) => {
  for (const [name, good] of HOST_NAMES) {
    await t.test(JSON.stringify(name), () => assert.equal(isHostName(name), good))
  }
})

test('names are written in wire form as by an independent encoder', () => {
  for (const name of ['a', 'example.com', `${'a'.repeat(63)}.b`, `${'a.'.repeat(126)}a`]) {
    const target = Buffer.alloc(300, 0xee)
    const end = writeName(name, target, 5)
    assert.deepEqual(target.subarray(5, end), wireName(name))
    assert.equal(end - 5, wireLength(name))
  }
})

test('a zone contains itself and the names below it, by whole labels', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ['a.example.com', 'example.com', true],
    ['example.com', 'example.com', true],
    ['example.com', '', true],
    ['badexample.com', 'example.com', false],
    ['com', 'example.com', false],
  ]
  for (const [name, zone, inside] of table) assert.equal(isWithin(name, zone), inside, `${name} in ${zone}`)
})
