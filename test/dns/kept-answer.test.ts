import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isIP } from 'node:net'
import { serverFailure } from '../../lib/dns/interpret'
import { formatKept, type KeptAnswer, LONGEST_KEPT, readKept } from '../../lib/dns/kept-answer'
import { isHostName } from '../../lib/dns/names'
import type { Question } from '../../lib/dns/types'
import { DEFAULT_SEED, randomFrom } from '../support/dns-fuzz'

const MX = { type: 'MX', name: 'example.com' } as const
const A = { type: 'A', name: 'mx.example.com' } as const
const AAAA = { type: 'AAAA', name: 'mx.example.com' } as const
const server = '192.0.2.53:53'

const mxRecords = [
  { priority: 10, exchange: 'mx1.example.com' },
  { priority: 20, exchange: 'mx2.example.com' },
]
const GOOD: readonly (readonly [Question, KeptAnswer])[] = [
  [MX, { server, content: { kind: 'records', records: mxRecords } }],
  [MX, { server: '[2001:db8::53]:853', content: { kind: 'nullmx' } }],
  [MX, { server, content: { kind: 'nxdomain' } }],
  [A, { server, content: { kind: 'records', records: ['192.0.2.1', '192.0.2.2'] } }],
  [AAAA, { server, content: { kind: 'records', records: ['2001:db8::1'] } }],
  [AAAA, { server, content: { kind: 'nodata', proven: true } }],
  [A, { server: '', content: serverFailure('ESERVFAIL', 'DNS server 192.0.2.53:53 answered SERVFAIL') }],
]

describe('an answer that is stored for other processes', () => {
  for (const [question, answer] of GOOD) {
    it(`is the same after reading: ${question.type} ${answer.content.kind}`, () => {
      assert.deepEqual(readKept(question, formatKept(question, answer)!), answer)
    })
  }

  it('is not stored if it proves nothing, may be caused by this host, or is too long', () => {
    const keep = (content: KeptAnswer<'A'>['content']) => formatKept(A, { server, content })
    assert.equal(keep({ kind: 'nodata', proven: false }), undefined)
    for (const code of ['ETIMEOUT', 'ECONNREFUSED', 'EREFUSED', 'ECANCELLED', 'EBADRESP'])
      assert.equal(keep(serverFailure(code, 'x')), undefined)
    const many = Array.from({ length: 150 }, (_, n) => ({
      priority: n,
      exchange: `${'a'.repeat(60)}.example`,
    }))
    assert.equal(formatKept(MX, { server, content: { kind: 'records', records: many } }), undefined)
  })

  const bad = (...parts: unknown[]) => JSON.stringify(parts)
  const mxOf = (...records: unknown[]) => bad('MX', 'example.com', server, 'records', records)
  const addressOf = (type: string, ...records: unknown[]) =>
    bad(type, 'mx.example.com', server, 'records', records)
  for (const [what, question, text] of [
    ['no JSON', MX, '250 ok'],
    ['no list', MX, '{"type":"MX"}'],
    ['of another name', MX, bad('MX', 'example.org', server, 'nxdomain')],
    ['of another type', A, bad('AAAA', 'mx.example.com', server, 'nxdomain')],
    ['of an unknown kind', MX, bad('MX', 'example.com', server, 'reset')],
    ['with more than it should have', MX, bad('MX', 'example.com', server, 'nxdomain', 1)],
    ['of no server', MX, bad('MX', 'example.com', '', 'nxdomain')],
    ['of a server whose name is not an address', MX, bad('MX', 'example.com', 'joe\r\nfrom:53', 'nxdomain')],
    ['a null MX for an address', A, bad('A', 'mx.example.com', server, 'nullmx')],
    ['records without one', MX, mxOf()],
    ['records that are no list', MX, bad('MX', 'example.com', server, 'records', 'mx.example.com')],
    ['an MX without priority', MX, mxOf(['mx.example.com'])],
    ['an MX with a priority above 65535', MX, mxOf([65_536, 'mx.example.com'])],
    ['an MX with a priority that is a text', MX, mxOf(['10', 'mx.example.com'])],
    ['an MX that is an IP address', MX, mxOf([10, '192.0.2.1'])],
    ['an MX that is not a host name', MX, mxOf([10, 'mx .example.com'])],
    ['an MX in upper case', MX, mxOf([10, 'MX.example.com'])],
    ['a null MX beside others', MX, mxOf([0, ''], [10, 'mx.example.com'])],
    ['MX records out of order', MX, mxOf([20, 'mx.example.com'], [10, 'mx.example.com'])],
    ['201 addresses', A, addressOf('A', ...Array.from({ length: 201 }, () => '192.0.2.1'))],
    ['an A of IPv6', A, addressOf('A', '2001:db8::1')],
    ['an AAAA of IPv4', AAAA, addressOf('AAAA', '192.0.2.1')],
    ['an AAAA with a zone index', AAAA, addressOf('AAAA', 'fe80::1%eth0')],
    ['one good address beside a host name', A, addressOf('A', '192.0.2.1', 'localhost')],
    ['a failure of another code', A, bad('A', 'mx.example.com', '', 'failure', 'EREFUSED', 'x')],
    [
      'a failure with control characters',
      A,
      bad('A', 'mx.example.com', '', 'failure', 'ESERVFAIL', 'x\r\ny'),
    ],
    ['too long', MX, `${' '.repeat(LONGEST_KEPT)}${bad('MX', 'example.com', server, 'nxdomain')}`],
  ] as const) {
    it(`is ignored if malformed: ${what}`, () => {
      assert.equal(readKept<'MX' | 'A' | 'AAAA'>(question, text), undefined)
    })
  }

  it('is sound or ignored after random changes of bytes', () => {
    const random = randomFrom(DEFAULT_SEED, 0)
    const upTo = (most: number) => Math.floor(random() * most)
    let read = 0
    for (let round = 0; round < 20_000; round++) {
      const [question, answer] = GOOD[upTo(GOOD.length)]!
      const bytes = Buffer.from(formatKept(question, answer)!)
      for (let change = upTo(3); change >= 0; change--) bytes[upTo(bytes.length)] = upTo(256)
      const kept = readKept<'MX' | 'A' | 'AAAA'>(question, bytes.toString())
      if (kept === undefined) continue
      read++
      if (kept.content.kind !== 'records') continue
      for (const record of kept.content.records) {
        if (typeof record === 'string') assert.equal(isIP(record), question.type === 'A' ? 4 : 6)
        else assert.ok(isHostName(record.exchange) && record.priority >= 0 && record.priority <= 0xffff)
      }
    }
    assert.ok(read > 0)
  })
})
