import { Packet } from 'dns2'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpret, type ServerFailure, type ServerReply } from '../../lib/dns/interpret'
import type { QueryType } from '../../lib/dns/types'
import {
  aaaaRecord,
  aRecord,
  cnameRecord,
  encodeMessage,
  encodeQuestion,
  FLAGS,
  mxRecord,
  nsRecord,
  optRecord,
  rawRecord,
  RCODES,
  soaRecord,
  TYPES,
  type WireMessage,
  type WireRecord,
} from '../support/dns-wire'

const NAME = 'example.com'
const { QR, AA, RA } = FLAGS

function read(
  message: Partial<WireMessage>,
  type: QueryType = 'MX',
  serves?: (name: string) => boolean,
): ServerReply | ServerFailure {
  const question = encodeQuestion(NAME, TYPES[type])
  return interpret(Packet.parse(encodeMessage({ id: 1, question, ...message })), { name: NAME, type }, serves)
}

const refusal = (code: string) => ({ kind: 'failure', code })
const records = (ttlSeconds: number, ...list: readonly unknown[]) => ({
  kind: 'records',
  ttlSeconds,
  records: list,
})
const nodata = (ttlSeconds: number, proven = true) => ({ kind: 'nodata', ttlSeconds, proven })
const suggestion = (code: string) => ({ ...refusal(code), suggestsNodata: true })
const mx = (priority: number, exchange: string) => ({ priority, exchange })

/** A chain of CNAMEs from the question's name: `example.com` -> `c1` -> ... -> `cN`. */
const chain = (length: number, ttl?: number): WireRecord[] =>
  Array.from({ length }, (_, i) => cnameRecord(i === 0 ? NAME : `c${i}`, `c${i + 1}`, ttl))

const CASES: readonly (readonly [
  what: string,
  message: Partial<WireMessage>,
  expected: object,
  type?: QueryType,
])[] = [
  ['records', { answers: [mxRecord(NAME, 10, 'MX.example.com')] }, records(300, mx(10, 'mx.example.com'))],
  [
    'owner in other case (RFC 4343)',
    { answers: [mxRecord('EXAMPLE.Com', 10, 'm.x')] },
    records(300, mx(10, 'm.x')),
  ],
  ['an IPv4 address', { answers: [aRecord(NAME, '192.0.2.1')] }, records(300, '192.0.2.1'), 'A'],
  ['an IPv6 address', { answers: [aaaaRecord(NAME, '2001:db8::1')] }, records(300, '2001:db8::1'), 'AAAA'],
  [
    'the same record twice',
    { answers: [mxRecord(NAME, 10, 'm.x'), mxRecord(NAME, 10, 'M.x'), mxRecord(NAME, 20, 'm.x')] },
    records(300, mx(10, 'm.x'), mx(20, 'm.x')),
  ],
  [
    'the smallest TTL of a set (RFC 2181 5.2)',
    { answers: [mxRecord(NAME, 10, 'a.x', 500), mxRecord(NAME, 10, 'b.x', 70)] },
    records(70, mx(10, 'a.x'), mx(10, 'b.x')),
  ],
  [
    'the smallest TTL of the chain',
    { answers: [...chain(2, 40), mxRecord('c2', 10, 'a.x', 500)] },
    records(40, mx(10, 'a.x')),
  ],
  [
    'the chain in any order, by owner',
    { answers: [mxRecord('c3', 10, 'a.x'), ...chain(3).toReversed()] },
    records(300, mx(10, 'a.x')),
  ],
  ['8 CNAMEs', { answers: [...chain(8), mxRecord('c8', 1, 'a.x')] }, records(300, mx(1, 'a.x'))],
  ['9 CNAMEs', { answers: [...chain(9), mxRecord('c9', 1, 'a.x')] }, refusal('EBADRESP')],
  ['CNAMEs in a ring', { answers: [cnameRecord(NAME, 'x'), cnameRecord('x', NAME)] }, refusal('EBADRESP')],
  [
    'records of another name beside the good one',
    { answers: [mxRecord(NAME, 10, 'a.x'), mxRecord('other.example', 1, 'evil.x')] },
    records(300, mx(10, 'a.x')),
  ],
  [
    'records of another type and class beside the good one',
    {
      answers: [
        mxRecord(NAME, 10, 'a.x'),
        aRecord(NAME, '192.0.2.1'),
        rawRecord(NAME, TYPES.MX, Buffer.from([0, 1, 0]), 1, 3),
      ],
    },
    records(300, mx(10, 'a.x')),
  ],
  [
    'records of another name alone',
    { answers: [mxRecord('other.example', 1, 'evil.x')] },
    refusal('EBADRESP'),
  ],
  ['NODATA', { authorities: [soaRecord('com', 60)] }, nodata(60)],
  [
    'the smaller of SOA TTL and minimum (RFC 2308 5)',
    { authorities: [soaRecord('com', 600, 90)] },
    nodata(90),
  ],
  ['NODATA without SOA, from a resolver: not proven', { flags: QR | RA }, nodata(0, false)],
  ['NODATA without SOA, from the zone', { flags: QR | AA }, nodata(0)],
  [
    'NODATA without SOA but with NS, from the zone',
    { flags: QR | AA, authorities: [nsRecord(NAME, 'ns.x')] },
    nodata(0),
  ],
  ['empty, without SOA and recursion: suggests an absence', { flags: QR }, suggestion('EREFERRAL')],
  [
    'an address as the answer to MX: suggests an absence',
    { answers: [aRecord(NAME, '192.0.2.1')] },
    suggestion('EOTHERTYPE'),
  ],
  ['a referral (RFC 2308 2.2)', { authorities: [nsRecord('com', 'ns.x')] }, refusal('EREFERRAL')],
  ['NODATA with NS and SOA', { authorities: [nsRecord('com', 'n.x'), soaRecord('com', 5)] }, nodata(5)],
  [
    'the SOA of another zone says nothing of how long',
    { authorities: [soaRecord('example.org', 60)] },
    nodata(0, false),
  ],
  [
    'NXDOMAIN',
    { rcode: RCODES.NXDOMAIN, authorities: [soaRecord('com', 60)] },
    { kind: 'nxdomain', ttlSeconds: 60 },
  ],
  ['NXDOMAIN without SOA', { rcode: RCODES.NXDOMAIN }, { kind: 'nxdomain', ttlSeconds: 0 }],
  [
    'NXDOMAIN with the answer',
    { rcode: RCODES.NXDOMAIN, answers: [mxRecord(NAME, 1, 'a.x')] },
    refusal('EBADRESP'),
  ],
  [
    'NXDOMAIN with the answer to something else',
    { rcode: RCODES.NXDOMAIN, answers: [mxRecord('other.example', 1, 'a.x')] },
    refusal('EBADRESP'),
  ],
  [
    'NXDOMAIN of what a CNAME points to (RFC 2308 2.1)',
    { rcode: RCODES.NXDOMAIN, answers: chain(1, 20), authorities: [soaRecord('', 60)] },
    { kind: 'nxdomain', ttlSeconds: 20 },
  ],
  ['a CNAME alone', { answers: chain(2, 20) }, { kind: 'alias', target: 'c2', ttlSeconds: 20, links: 2 }],
  ['a CNAME whose target has none', { answers: chain(1, 90), authorities: [soaRecord('', 60)] }, nodata(60)],
  ['FORMERR', { rcode: RCODES.FORMERR }, refusal('EFORMERR')],
  ['SERVFAIL', { rcode: RCODES.SERVFAIL }, refusal('ESERVFAIL')],
  ['NOTIMP', { rcode: RCODES.NOTIMP }, refusal('ENOTIMP')],
  ['REFUSED', { rcode: RCODES.REFUSED }, refusal('EREFUSED')],
  ['an unknown code', { rcode: 11 }, refusal('EBADRESP')],
  ['SERVFAIL with the answer', { rcode: 2, answers: [mxRecord(NAME, 1, 'a.x')] }, refusal('ESERVFAIL')],
  [
    'BADVERS, whose lower bits are those of NOERROR (RFC 6891 6.1.3)',
    { rcode: 0, additionals: [optRecord(1232, 16)] },
    refusal('EBADVERS'),
  ],
]

test('the meaning of each reply', async (t) => {
  for (const [what, message, expected, type] of CASES) {
    await t.test(what, () => {
      const result = read(message, type)
      assert.deepEqual(
        Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(result, key)])),
        expected,
      )
    })
  }
})

test('a CNAME chain is followed only while the server has authority for it', () => {
  const answers = [cnameRecord(NAME, 'inner.corp', 50), mxRecord('inner.corp', 10, 'mx.inner.corp')]
  const outside = (name: string) => !name.endsWith('corp')
  const alias = { kind: 'alias', target: 'inner.corp', ttlSeconds: 50, links: 1 }
  assert.deepEqual(read({ answers }, 'MX', outside), alias)
  assert.deepEqual(read({ answers: answers.slice(0, 1), rcode: RCODES.NXDOMAIN }, 'MX', outside), alias)
})
