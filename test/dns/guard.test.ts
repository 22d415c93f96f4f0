import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, usedRecords, type MessageVerdict } from '../../lib/dns/guard'
import {
  aRecord,
  encodeMessage,
  encodeQuestion,
  FLAGS,
  mxRecord,
  optRecord,
  rawRecord,
  RCODES,
  soaRecord,
  TYPES,
  u16,
  wireName,
  type WireMessage,
} from '../support/dns-wire'

const ID = 0x1234
const question = encodeQuestion('example.com', TYPES.MX)
const query = encodeMessage({ id: ID, flags: FLAGS.RD, question, additionals: [optRecord()] })
const questionEnd = 12 + question.length
const message = (rest: Partial<WireMessage>): Buffer => encodeMessage({ id: ID, question, ...rest })
const verdictOf = (bytes: Buffer, limit = 16_384): MessageVerdict => judge(bytes, query, questionEnd, limit)

const mx = mxRecord('example.com', 10, 'mx.example.com')
/** A record whose owner is a pointer to the question. */
const pointing = (type: number, data: Buffer, owner = u16(0xc00c)) => ({
  ...rawRecord('', type, data),
  owner,
})

const few = Array.from({ length: 200 }, () => aRecord('', '192.0.2.1'))

const VERDICTS: readonly (readonly [what: string, bytes: Buffer, verdict: MessageVerdict])[] = [
  ['an answer', message({ answers: [mx] }), 'whole'],
  [
    'an answer with pointers',
    message({ answers: [pointing(TYPES.MX, Buffer.from([0, 10, 0xc0, 12]))] }),
    'whole',
  ],
  ['no answer', message({}), 'whole'],
  ['11 octets', message({}).subarray(0, 11), 'foreign'],
  ['nothing', Buffer.alloc(0), 'foreign'],
  ['another id', encodeMessage({ id: 7, question, answers: [mx] }), 'foreign'],
  ['a query (QR=0)', message({ flags: FLAGS.RD }), 'foreign'],
  ['another OPCODE', message({ flags: FLAGS.QR | 0x2000 }), 'foreign'],
  ['another name', message({ question: encodeQuestion('example.org', TYPES.MX) }), 'foreign'],
  ['another type', message({ question: encodeQuestion('example.com', TYPES.A) }), 'foreign'],
  ['another class', message({ question: encodeQuestion('example.com', TYPES.MX, 3) }), 'foreign'],
  ['the name in other case', message({ question: encodeQuestion('EXAMPLE.com', TYPES.MX) }), 'whole'],
  [
    'a type that differs from ours by the bit of upper case',
    message({ question: encodeQuestion('example.com', TYPES.MX ^ 0x20) }),
    'foreign',
  ],
  ['no question', message({ question: Buffer.alloc(0), answers: [mx] }), 'foreign'],
  ['two questions', message({ counts: [2, 0, 0, 0] }), 'foreign'],
  ['a question cut short', message({}).subarray(0, questionEnd - 1), 'foreign'],
  ['FORMERR, a header alone', message({ question: Buffer.alloc(0), rcode: RCODES.FORMERR }), 'bare'],
  ['SERVFAIL, a header alone', message({ question: Buffer.alloc(0), rcode: RCODES.SERVFAIL }), 'foreign'],
  ['TC', message({ flags: FLAGS.QR | FLAGS.TC }), 'truncated'],
  [
    'TC, cut in a record',
    message({ flags: FLAGS.QR | FLAGS.TC, answers: [mx] }).subarray(0, -3),
    'truncated',
  ],
  ['a record cut short', message({ answers: [mx, mx] }).subarray(0, -3), 'malformed'],
  ['a record less than counted', message({ answers: [mx], counts: [1, 2, 0, 0] }), 'malformed'],
  ['a record more than counted', message({ answers: [mx, mx], counts: [1, 1, 0, 0] }), 'whole'],
  [
    'bytes after the last record',
    Buffer.concat([message({ answers: [mx] }), Buffer.alloc(40, 0xff)]),
    'whole',
  ],
  ['201 records', message({ answers: [...few, mx] }), 'whole'],
  ['201 records, the 201st cut short', message({ answers: [...few, mx] }).subarray(0, -3), 'whole'],
  [
    '201 records, the 200th cut short',
    message({ answers: few, counts: [1, 201, 0, 0] }).subarray(0, -3),
    'malformed',
  ],
  ['200 records and an OPT', message({ answers: few, additionals: [optRecord()] }), 'whole'],
  ['RDLENGTH beyond the end', Buffer.concat([message({ answers: [mx] }).subarray(0, -1)]), 'malformed'],
  [
    'a name beyond its RDLENGTH',
    message({ answers: [rawRecord('x', TYPES.MX, Buffer.from([0, 1, 3, 97]))] }),
    'malformed',
  ],
  [
    'RDATA longer than its name',
    message({ answers: [rawRecord('x', TYPES.CNAME, Buffer.from([0, 0]))] }),
    'malformed',
  ],
  ['MX without a name', message({ answers: [rawRecord('x', TYPES.MX, u16(1))] }), 'malformed'],
  ['A of 5 octets', message({ answers: [rawRecord('x', TYPES.A, Buffer.alloc(5))] }), 'malformed'],
  ['AAAA of 4 octets', message({ answers: [rawRecord('x', TYPES.AAAA, Buffer.alloc(4))] }), 'malformed'],
  [
    'TXT beyond its RDLENGTH',
    message({ answers: [rawRecord('x', TYPES.TXT, Buffer.from([9, 1]))] }),
    'malformed',
  ],
  [
    'SOA without its numbers',
    message({ authorities: [rawRecord('x', TYPES.SOA, Buffer.alloc(2))] }),
    'malformed',
  ],
  ['SOA', message({ authorities: [soaRecord('com', 60)] }), 'whole'],
  [
    'SOA, mailbox with a dot',
    message({ authorities: [soaRecord('com', 60, 60, 'host\\.master.x')] }),
    'whole',
  ],
  ['an unknown type', message({ answers: [rawRecord('x', 999, Buffer.from([1, 2, 3]))] }), 'whole'],
  [
    'a pointer to itself',
    message({ answers: [pointing(TYPES.A, Buffer.alloc(4), u16(0xc000 + questionEnd))] }),
    'malformed',
  ],
  ['a pointer forward', message({ answers: [pointing(TYPES.A, Buffer.alloc(4), u16(0xc100))] }), 'malformed'],
  [
    'a pointer into the header',
    message({ answers: [pointing(TYPES.A, Buffer.alloc(4), u16(0xc000))] }),
    'malformed',
  ],
  [
    'a reserved label type',
    message({ answers: [pointing(TYPES.A, Buffer.alloc(4), Buffer.from([0x41, 0, 0]))] }),
    'malformed',
  ],
  ['a label with a dot', message({ answers: [mxRecord('example.com', 1, 'a\\.b.example')] }), 'malformed'],
  ['a label with a NUL', message({ answers: [mxRecord('example.com', 1, 'a\\000.example')] }), 'malformed'],
  ['a label with DEL', message({ answers: [mxRecord('example.com', 1, 'a\\127.example')] }), 'malformed'],
  ['a label with a blank', message({ answers: [mxRecord('example.com', 1, 'a b.example')] }), 'whole'],
  [
    'a name of 256 octets',
    message({ answers: [mxRecord('example.com', 1, 'a.'.repeat(127) + 'aa')] }),
    'malformed',
  ],
  ['OPT', message({ additionals: [optRecord()] }), 'whole'],
  ['two OPT', message({ additionals: [optRecord(), optRecord()] }), 'malformed'],
  ['OPT among the answers', message({ answers: [optRecord()] }), 'malformed'],
  ['OPT of a name', message({ additionals: [{ ...optRecord(), owner: wireName('x') }] }), 'malformed'],
  [
    'OPT, option cut short',
    message({ additionals: [{ ...optRecord(), data: Buffer.from([0, 8, 0, 9]) }] }),
    'malformed',
  ],
]

test('only replies to the query are accepted, and only sound ones are parsed (RFC 5452 9.1, RFC 9267)', async (t) => {
  for (const [what, bytes, verdict] of VERDICTS) {
    await t.test(`${what}: ${verdict}`, () => assert.equal(verdictOf(bytes), verdict))
  }
})

test('a message longer than the limit is not read', () => {
  const bytes = message({ answers: [mx] })
  assert.equal(verdictOf(bytes, bytes.length), 'whole')
  assert.equal(verdictOf(bytes, bytes.length - 1), 'foreign')
})

/** Records whose names each point to the one before: the n-th takes n steps. */
function pointerChain(records: number): Buffer {
  const parts = [message({ counts: [1, records, 0, 0] })]
  let at = questionEnd
  let target = 12
  for (let i = 0; i < records; i++) {
    const owner = Buffer.concat([Buffer.from([1, 0x61]), u16(0xc000 | target)])
    parts.push(Buffer.concat([owner, u16(999), u16(1), Buffer.alloc(6)]))
    target = at
    at += 14
  }
  return Buffer.concat(parts)
}

test('more than 16 compression pointers in a row are refused (RFC 9267 2)', () => {
  assert.equal(verdictOf(pointerChain(16)), 'whole')
  assert.equal(verdictOf(pointerChain(17)), 'malformed')
})

test('a short message whose expanded names are long is refused', () => {
  const label = `${'a'.repeat(60)}.`.repeat(4).slice(0, -1)
  const first = rawRecord(label, 999, Buffer.alloc(0))
  const again = pointing(999, Buffer.alloc(0), u16(0xc000 + questionEnd))
  const bytes = message({ answers: [first, ...Array.from({ length: 199 }, () => again)] })
  assert.ok(bytes.length < 3000)
  assert.equal(verdictOf(bytes), 'malformed')
})

const COUNTS: readonly (readonly [
  counts: readonly [number, number, number, number],
  used: readonly [number, number, number],
])[] = [
  [
    [1, 5, 4, 3],
    [5, 4, 3],
  ],
  [
    [1, 200, 200, 200],
    [200, 200, 200],
  ],
  [
    [1, 201, 4, 3],
    [200, 0, 0],
  ],
  [
    [1, 5, 9999, 3],
    [5, 200, 0],
  ],
  [
    [1, 5, 4, 65_535],
    [5, 4, 200],
  ],
]

test('the first 200 records of a section are used, and no section after a longer one', () => {
  for (const [counts, used] of COUNTS) {
    const { answers, authorities, additionals } = usedRecords(message({ counts }))
    assert.deepEqual([answers, authorities, additionals], used)
  }
})
