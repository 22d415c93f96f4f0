import { Packet } from 'dns2'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpret, type Refusal, type Reply } from '../../lib/dns/message'
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

function said(message: Partial<WireMessage>, type: QueryType = 'MX'): Reply | Refusal {
  const question = encodeQuestion(NAME, TYPES[type])
  return interpret(Packet.parse(encodeMessage({ id: 1, question, ...message })), { name: NAME, type })
}

const refusal = (code: string) => ({ kind: 'refusal', code })
const records = (ttl: number, ...list: readonly unknown[]) => ({ kind: 'records', ttl, records: list })
const mx = (priority: number, exchange: string) => ({ priority, exchange })

/** A chain of CNAMEs from the question's name: `example.com` -> `c1` -> ... -> `cN`. */
const chain = (length: number, ttl?: number): WireRecord[] =>
  Array.from({ length }, (_, i) => cnameRecord(i === 0 ? NAME : `c${i}`, `c${i + 1}`, ttl))

const CASES: readonly (readonly [
  what: string,
  message: Partial<WireMessage>,
  said: object,
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
    'behaviour 6: the smallest TTL of a set (RFC 2181 5.2)',
    { answers: [mxRecord(NAME, 10, 'a.x', 500), mxRecord(NAME, 10, 'b.x', 70)] },
    records(70, mx(10, 'a.x'), mx(10, 'b.x')),
  ],
  [
    'behaviour 6: the smallest TTL of the chain',
    { answers: [...chain(2, 40), mxRecord('c2', 10, 'a.x', 500)] },
    records(40, mx(10, 'a.x')),
  ],
  [
    'behaviour 9: the chain in any order, by owner',
    { answers: [mxRecord('c3', 10, 'a.x'), ...chain(3).toReversed()] },
    records(300, mx(10, 'a.x')),
  ],
  ['behaviour 9: 8 CNAMEs', { answers: [...chain(8), mxRecord('c8', 1, 'a.x')] }, records(300, mx(1, 'a.x'))],
  ['behaviour 9: 9 CNAMEs', { answers: [...chain(9), mxRecord('c9', 1, 'a.x')] }, refusal('EBADRESP')],
  [
    'behaviour 9: CNAMEs in a ring',
    { answers: [cnameRecord(NAME, 'x'), cnameRecord('x', NAME)] },
    refusal('EBADRESP'),
  ],
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
  ['NODATA', { authorities: [soaRecord('com', 60)] }, { kind: 'nodata', ttl: 60 }],
  [
    'behaviour 7: the smaller of SOA TTL and minimum (RFC 2308 5)',
    { authorities: [soaRecord('com', 600, 90)] },
    { kind: 'nodata', ttl: 90 },
  ],
  ['NODATA without SOA, from a resolver', { flags: QR | RA }, { kind: 'nodata', ttl: 0 }],
  ['NODATA without SOA, from the zone', { flags: QR | AA }, { kind: 'nodata', ttl: 0 }],
  ['behaviour 4: empty, from a server that has no say', { flags: QR }, refusal('EREFERRAL')],
  [
    'behaviour 4: a referral (RFC 2308 2.2)',
    { authorities: [nsRecord('com', 'ns.x')] },
    refusal('EREFERRAL'),
  ],
  [
    'NODATA with NS and SOA',
    { authorities: [nsRecord('com', 'n.x'), soaRecord('com', 5)] },
    { kind: 'nodata', ttl: 5 },
  ],
  [
    'the SOA of another zone says nothing of how long',
    { authorities: [soaRecord('example.org', 60)] },
    { kind: 'nodata', ttl: 0 },
  ],
  [
    'NXDOMAIN',
    { rcode: RCODES.NXDOMAIN, authorities: [soaRecord('com', 60)] },
    { kind: 'nxdomain', ttl: 60 },
  ],
  ['NXDOMAIN without SOA', { rcode: RCODES.NXDOMAIN }, { kind: 'nxdomain', ttl: 0 }],
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
    { kind: 'nxdomain', ttl: 20 },
  ],
  ['a CNAME alone', { answers: chain(2, 20) }, { kind: 'alias', target: 'c2', ttl: 20, links: 2 }],
  [
    'a CNAME whose target has none',
    { answers: chain(1, 90), authorities: [soaRecord('', 60)] },
    { kind: 'nodata', ttl: 60 },
  ],
  ['behaviour 4: FORMERR', { rcode: RCODES.FORMERR }, refusal('EFORMERR')],
  ['behaviour 4: SERVFAIL', { rcode: RCODES.SERVFAIL }, refusal('ESERVFAIL')],
  ['behaviour 4: NOTIMP', { rcode: RCODES.NOTIMP }, refusal('ENOTIMP')],
  ['behaviour 4: REFUSED', { rcode: RCODES.REFUSED }, refusal('EREFUSED')],
  ['behaviour 4: a code that nobody knows', { rcode: 11 }, refusal('EBADRESP')],
  [
    'behaviour 4: SERVFAIL with the answer',
    { rcode: 2, answers: [mxRecord(NAME, 1, 'a.x')] },
    refusal('ESERVFAIL'),
  ],
  [
    'behaviour 4: BADVERS, whose lower bits are those of NOERROR (RFC 6891 6.1.3)',
    { rcode: 0, additionals: [optRecord(1232, 16)] },
    refusal('EBADVERS'),
  ],
]

test('what a reply says', async (t) => {
  for (const [what, message, expected, type] of CASES) {
    await t.test(what, () => {
      const result = said(message, type)
      assert.deepEqual(
        Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(result, key)])),
        expected,
      )
    })
  }
})
