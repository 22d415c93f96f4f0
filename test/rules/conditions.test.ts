import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Message } from '../../lib/model/message'
import { decideBy } from '../support/rules'

/** A condition, the message (or MX) that it looks at, and the reason why it is false; null where it holds. */
type Row<T> = readonly [condition: string, seen: T, reason: string | null]

async function check(condition: string, message: Partial<Message>, reason: string | null, mx = 'none') {
  const { lines } = await decideBy(`* smtp.example.net ${condition}`, message, mx)
  assert.deepEqual(lines, [
    reason === null ? { line: 1, matched: true } : { line: 1, matched: false, reason },
  ])
}

describe('$retries and $size compare numbers', () => {
  const rows: Row<Partial<Message>>[] = [
    ['$retries=4', { retries: 4 }, null],
    ['$retries=4', { retries: 5 }, '$retries=4 is false: retries is 5'],
    ['$retries==4', { retries: 4 }, null],
    ['$retries==4', { retries: 3 }, '$retries==4 is false: retries is 3'],
    ['$retries<>4', { retries: 5 }, null],
    ['$retries<>4', { retries: 4 }, '$retries<>4 is false: retries is 4'],
    ['$retries!=4', { retries: 5 }, null],
    ['$retries!=4', { retries: 4 }, '$retries!=4 is false: retries is 4'],
    ['$retries<4', { retries: 3 }, null],
    ['$retries<4', { retries: 4 }, '$retries<4 is false: retries is 4'],
    ['$retries<=4', { retries: 4 }, null],
    ['$retries<=4', { retries: 5 }, '$retries<=4 is false: retries is 5'],
    ['$retries⇐4', { retries: 4 }, null],
    ['$retries⇐4', { retries: 5 }, '$retries⇐4 is false: retries is 5'],
    ['$retries>4', { retries: 5 }, null],
    ['$retries>4', { retries: 4 }, '$retries>4 is false: retries is 4'],
    ['$retries>=4', { retries: 4 }, null],
    ['$retries>=4', { retries: 1 }, '$retries>=4 is false: retries is 1'],
    // as numbers: as text, 10 would be below 9
    ['$retries>=9', { retries: 10 }, null],
    ['$RETRIES>=004', { retries: 4 }, null],
    ['$size>1000', { size: 1001 }, null],
    ['$size>1000', { size: 1000 }, '$size>1000 is false: size is 1000'],
    ['$size>=2K', { size: 2048 }, null],
    ['$size>=2k', { size: 2047 }, '$size>=2k is false: size is 2047'],
    ['$size>=1M', { size: 1_048_576 }, null],
    ['$size<1G', { size: 1_073_741_823 }, null],
    ['$size<1g', { size: 1_073_741_824 }, '$size<1g is false: size is 1073741824'],
  ]
  for (const [condition, message, reason] of rows) {
    it(`${condition} of ${JSON.stringify(message)}`, () => check(condition, message, reason))
  }
})

describe('$age compares times', () => {
  const HOUR = 3_600_000
  const rows: Row<Partial<Message>>[] = [
    ['$age>=4h', { ageMs: 4 * HOUR }, null],
    ['$age>=4h', { ageMs: 4 * HOUR - 1 }, '$age>=4h is false: age is 14399s'],
    ['$age<30m', { ageMs: 0 }, null],
    ['$age<30m', { ageMs: HOUR }, '$age<30m is false: age is 1h'],
    ['$age>2d', { ageMs: 49 * HOUR }, null],
    ['$AGE⇐90', { ageMs: 90_000 }, null],
    ['$age=1H', { ageMs: HOUR }, null],
    ['$age<>1h', { ageMs: HOUR }, '$age<>1h is false: age is 1h'],
  ]
  for (const [condition, message, reason] of rows) {
    it(`${condition} of ${JSON.stringify(message)}`, () => check(condition, message, reason))
  }
})

describe('$failed compares a word', () => {
  const rows: Row<Message['failed']>[] = [
    ['$failed=tls', 'tls', null],
    ['$failed==TLS', 'tls', null],
    ['$FAILED=tls', 'connect', '$FAILED=tls is false: failed is connect'],
    ['$failed=', '', null],
    ['$failed=', 'dns', '$failed= is false: failed is dns'],
    ['$failed<>', 'data', null],
    ['$failed<>', '', '$failed<> is false: failed is empty'],
    ['$failed!=rcpt', 'mail', null],
    ['$failed!=rcpt', 'rcpt', '$failed!=rcpt is false: failed is rcpt'],
  ]
  for (const [condition, failed, reason] of rows) {
    it(`${condition} of ${JSON.stringify(failed)}`, () => check(condition, { failed }, reason))
  }
})

describe('$rcpt and $reply are text', () => {
  const reply = '550 5.7.1 Service unavailable, client host is on our block list (S3140)'
  const rows: Row<Partial<Message>>[] = [
    ['$reply~=/^5.*(S3140|spamhaus|block.?list)/i', { reply }, null],
    [
      '$reply~=/^5.*(S3140|spamhaus)/i',
      { reply: '' },
      '$reply~=/^5.*(S3140|spamhaus)/i is false: reply is empty',
    ],
    ['$reply~=550?5.7.1*', { reply }, null],
    ['$reply~=4*', { reply }, `$reply~=4* is false: reply is ${reply}`],
    ['$reply<>', { reply }, null],
    ['$rcpt=JOE@example.com', { rcptTo: ['joe@example.com'] }, null],
    ['$rcpt~=joe@*', { rcptTo: ['fred@example.com'] }, '$rcpt~=joe@* is false: rcpt is fred@example.com'],
  ]
  for (const [condition, message, reason] of rows) {
    it(`${condition} of ${JSON.stringify(message)}`, () => check(condition, message, reason))
  }
})

describe('$authsender and $from compare text', () => {
  const rows: Row<string>[] = [
    ['=joe', 'JOE', null],
    ['=joe', 'joey', 'joey'],
    ['==joe', 'Joe', null],
    ['<>joe', 'fred', null],
    ['<>joe', 'JOE', 'JOE'],
    ['!=joe', '', null],
    ['!=joe', 'joe', 'joe'],
    // by character code, in lower case: "_" (5F) is before "a" (61), and would be after "A" (41)
    ['<a', '_', null],
    ['<joe', 'fred', null],
    ['<joe', 'joe', 'joe'],
    ['<=joe', 'joe', null],
    ['⇐joe', 'kim', 'kim'],
    ['>joe', 'joe1', null],
    ['>joe', 'JOE', 'JOE'],
    ['>=joe', 'JOE', null],
    ['>10', '9', null],
    ['=', '', null],
    ['=', 'joe', 'joe'],
    ['<>', 'joe', null],
    ['<>', '', 'empty'],
    ['~=', '', null],
    ['~=j*', 'JOE', null],
    ['~=j*', 'fred', 'fred'],
    ['~=j?e', 'joe', null],
    ['~=j?e', 'je', 'je'],
    ['~=*@example.com', 'joe@EXAMPLE.com', null],
    ['~=*@example.com', 'joe@example.com.invalid', 'joe@example.com.invalid'],
    ['~=*', '', null],
    ['~!j*', 'fred', null],
    ['~!j*', 'joe', 'joe'],
    ['!~j*', 'fred', null],
    ['!~j*', 'joe', 'joe'],
    ['~=/^jo/', 'joe', null],
    ['~=/^jo/', 'JOE', 'JOE'],
    ['~=/^JO/i', 'joe', null],
    ['~=/o/', 'joe', null],
    ['~!/o/', 'joe', 'joe'],
    ['!~/z$/i', 'joe', null],
    ['~=/a/b/', 'xa/bx', null],
    ['~=/a\\/b/', 'a/b', null],
    ['~=/^$/', '', null],
    ['~=/\\s/', 'two words', null],
    ['=a=b', 'A=B', null],
    ['=ÄÖ', 'äö', null],
    ['=x', 'a\u0007b\nc', 'a\ufffdb\ufffdc'],
  ]
  for (const [rest, seen, reason] of rows) {
    for (const [name, field] of [
      ['authsender', 'authSender'],
      ['from', 'mailFrom'],
    ] as const) {
      const condition = `$${name}${rest}`
      const full = reason === null ? null : `${condition} is false: ${name} is ${reason}`
      it(`${condition} of ${JSON.stringify(seen)}`, () => check(condition, { [field]: seen }, full))
    }
  }
  it('shows only the start of a long value', async () => {
    await check('$from=<>', { mailFrom: '' }, null)
    await check('$from<><>', { mailFrom: '' }, '$from<><> is false: from is empty')
    await check('$from!=<>', { mailFrom: 'fred@example.com' }, null)
    await check('$from=x', { mailFrom: 'y'.repeat(5000) }, `$from=x is false: from is ${'y'.repeat(200)}...`)
  })
})

describe('$dnsmx and $dnsmxall match the MX host names', () => {
  const two = '10:mx1.example.com,20:mx2.example.net'
  const seen = 'MX is mx1.example.com, mx2.example.net'
  const rows: Row<string>[] = [
    ['$dnsmx:*.example.com', two, null],
    ['$dnsmx:MX2.Example.NET.', two, null],
    ['$dnsmx:mx?.example.com', two, null],
    ['$dnsmx:*.google.com', two, `$dnsmx:*.google.com is false: ${seen}`],
    ['$dnsmx:example.com', two, `$dnsmx:example.com is false: ${seen}`],
    ['$dnsmx:*', 'none', '$dnsmx:* is false: there is no MX'],
    ['$dnsmx:*', 'nxdomain', '$dnsmx:* is false: the domain does not exist'],
    ['$dnsmx:*', '0:.', '$dnsmx:* is false: the domain has a null MX'],
    ['$dnsmx:!*.google.com', two, null],
    ['$dnsmx:!*.example.com', two, `$dnsmx:!*.example.com is false: ${seen}`],
    ['$dnsmx:!*', 'none', null],
    ['$dnsmx:!*', 'nxdomain', null],
    ['$dnsmx:!*', '0:.', null],
    ['$dnsmxall:mx*', two, null],
    ['$dnsmxall:*.example.com', two, `$dnsmxall:*.example.com is false: ${seen}`],
    ['$dnsmxall:*', 'none', '$dnsmxall:* is false: there is no MX'],
    ['$dnsmxall:*', '0:.', '$dnsmxall:* is false: the domain has a null MX'],
    ['$DNSMX:*.müller.example', '10:mx.xn--mller-kva.example', null],
  ]
  for (const [condition, mx, reason] of rows) {
    it(`${condition} of ${mx}`, () => check(condition, {}, reason, mx))
  }
})

describe('all conditions of a line must hold', () => {
  it('reports the first condition of the line that fails', async () => {
    const { lines } = await decideBy('* smtp.example.net $retries=0 $size<10 $from=x', {})
    assert.deepEqual(lines, [{ line: 1, matched: false, reason: '$size<10 is false: size is 1000' }])
  })

  it('checks those that need DNS last, and asks no DNS if another fails', async () => {
    const { lines, asked } = await decideBy(
      '* smtp.example.net $dnsmx:* $retries=1\nexample.com smtp.example.net',
    )
    assert.deepEqual(lines[0], { line: 1, matched: false, reason: '$retries=1 is false: retries is 0' })
    assert.equal(asked, 0)
  })
})
