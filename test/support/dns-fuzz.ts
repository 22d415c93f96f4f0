/** Bytes for the answers of a hostile name server, from a seed. */
import {
  aaaaRecord,
  aRecord,
  cnameRecord,
  encodeMessage,
  FLAGS,
  mxRecord,
  nsRecord,
  optRecord,
  rawRecord,
  RCODES,
  soaRecord,
  TYPES,
  u16,
  wireName,
  type WireMessage,
  type WireQuery,
} from './dns-wire'

export const DEFAULT_SEED = 9267

export type Random = () => number

/** Numbers in [0, 1) that depend on the seed and the stream alone (mixed as in splitmix32). */
export function randomFrom(seed: number, stream: number): Random {
  let state = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)
const oneOf = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)]!
const bytesFrom = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => below(random, 256)))

/** No form at all. */
export function rawFrom(random: Random): Buffer {
  const length = below(random, oneOf(random, [3, 20, 200, 1_400]))
  return random() < 0.5
    ? bytesFrom(random, length)
    : Buffer.alloc(length, oneOf(random, [0x00, 0x3f, 0xc0, 0xff]))
}

const IDENTITY = 12

/** Sound replies of every shape, to be spoilt. Names are short of what compression could save, pointers are put in by the query. */
function soundFrom(random: Random, query: WireQuery): Buffer {
  const { id, question, name } = query
  const pointer = Buffer.from([0xc0, IDENTITY])
  const messages: readonly (() => Partial<WireMessage>)[] = [
    () => ({ answers: [mxRecord(name, 10, 'mx1.example'), mxRecord(name, 20, 'mx2.example')] }),
    () => ({
      answers: Array.from({ length: 20 }, (_, n) => ({
        ...rawRecord('', TYPES.MX, Buffer.concat([u16(n), Buffer.from([1, 97 + n]), pointer])),
        owner: pointer,
      })),
    }),
    () => ({
      answers: [cnameRecord(name, 'b.example'), cnameRecord('b.example', name), mxRecord(name, 1, 'mx')],
    }),
    () => ({ answers: [cnameRecord(name, 'b.example'), mxRecord('b.example', 1, 'mx.b.example')] }),
    () => ({ answers: [mxRecord(name, 0, '')] }),
    () => ({ answers: [mxRecord(name, 5, '192.0.2.1'), mxRecord(name, 5, 'a b.example')] }),
    () => ({ authorities: [soaRecord('example', 60)], rcode: RCODES.NXDOMAIN }),
    () => ({ authorities: [soaRecord('example', 60)] }),
    () => ({
      authorities: [nsRecord('example', 'ns.example')],
      additionals: [aRecord('ns.example', '192.0.2.1')],
    }),
    () => ({ additionals: [optRecord(1232, 16)] }),
    () => ({
      answers: [mxRecord(name, 10, 'mx.example', 2 ** 32 - 1)],
      additionals: [aRecord('mx.example', '192.0.2.1'), aaaaRecord('mx.example', '2001:db8::1'), optRecord()],
    }),
    () => ({
      answers: [
        mxRecord(name, 10, 'mx.example'),
        rawRecord(name, TYPES.TXT, Buffer.from([3, 97, 98, 99])),
        rawRecord(name, 46, Buffer.concat([Buffer.alloc(18), wireName('example'), Buffer.alloc(20)])),
        rawRecord(name, 257, Buffer.from([0, 2, 97, 98, 99])),
        rawRecord(name, 65_280, Buffer.alloc(9)),
      ],
    }),
  ]
  return encodeMessage({ id, question, ...oneOf(random, messages)() })
}

type Spoiler = (bytes: Buffer, random: Random) => Buffer

const SPOILERS: readonly Spoiler[] = [
  // Left as it is.
  (bytes) => bytes,
  // A few octets changed.
  (bytes, random) => {
    for (let i = below(random, 8); i >= 0; i--) bytes[below(random, bytes.length)] = below(random, 256)
    return bytes
  },
  // One bit changed.
  (bytes, random) => {
    bytes[below(random, bytes.length)]! ^= 1 << below(random, 8)
    return bytes
  },
  // Cut short.
  (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  // Something after it.
  (bytes, random) => Buffer.concat([bytes, rawFrom(random)]),
  // A pointer to itself, forward, or to one that points back.
  (bytes, random) => {
    if (bytes.length < IDENTITY + 4) return bytes
    const at = IDENTITY + below(random, bytes.length - IDENTITY - 3)
    bytes.writeUInt16BE(0xc000 | oneOf(random, [at, at + 2, below(random, bytes.length), 0, 0x3fff]), at)
    if (random() < 0.5) bytes.writeUInt16BE(0xc000 | at, at + 2)
    return bytes
  },
  // Counts that are not so.
  (bytes, random) => {
    const at = 4 + 2 * below(random, 4)
    bytes.writeUInt16BE(oneOf(random, [0, 1, 2, 200, 201, 0xffff, below(random, 0x10000)]), at)
    return bytes
  },
  // A piece of it twice, or lost.
  (bytes, random) => {
    const [from, to] = [below(random, bytes.length), below(random, bytes.length)]
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  // Any flags.
  (bytes, random) => {
    bytes.writeUInt16BE(below(random, 0x10000), 2)
    return bytes
  },
]

/** With the query's id, QR, and as far as it goes its question: the guard must look further. */
function identified(bytes: Buffer, query: WireQuery): Buffer {
  const message = Buffer.from(bytes)
  if (message.length >= 3) message[2] = (message[2]! & 0x07) | 0x80
  Buffer.concat([u16(query.id)]).copy(message)
  query.question.copy(message, IDENTITY)
  if (message.length >= 6) message.writeUInt16BE(1, 4)
  return message
}

/** A spoilt reply, mostly one that passes for the query's. */
export function matchingFrom(random: Random, query: WireQuery): Buffer {
  let bytes: Buffer = random() < 0.05 ? rawFrom(random) : soundFrom(random, query)
  for (let i = below(random, 3); i >= 0 && bytes.length > IDENTITY; i--) {
    bytes = oneOf(random, SPOILERS)(Buffer.from(bytes), random)
  }
  return random() < 0.9 ? identified(bytes, query) : bytes
}

/** Anything at all that is not the reply to the query (RFC 5452 9.1). */
export function foreignFrom(random: Random, query: WireQuery): Buffer {
  const bytes = matchingFrom(random, query)
  if (bytes.length < IDENTITY) return bytes
  const message = Buffer.from(bytes)
  const nameEnd = IDENTITY + query.question.length
  switch (below(random, message.length < nameEnd ? 2 : 3)) {
    case 0:
      message.writeUInt16BE(query.id ^ (1 + below(random, 0xffff)), 0)
      return message
    case 1:
      message[2]! &= 0x7f
      return message
    default: {
      message.writeUInt16BE(1, 4)
      const at = IDENTITY + below(random, query.question.length)
      const flip = 1 + below(random, 255)
      // 0x20 would be the same name in another case.
      message[at]! ^= flip === 0x20 ? 0x21 : flip
      return message
    }
  }
}

/** A message of another's making as the reply to the query: its records, pointers off by what the names differ in length. */
export function spliced(bytes: Buffer, query: WireQuery): Buffer {
  if (bytes.length < IDENTITY) return bytes
  let at = IDENTITY
  while (at < bytes.length && bytes[at]! > 0 && bytes[at]! < 0x40) at += 1 + bytes[at]!
  const rest = bytes.readUInt16BE(4) === 0 ? IDENTITY : at + 5
  const header = Buffer.from(bytes.subarray(0, IDENTITY))
  header.writeUInt16BE(FLAGS.QR | (header.readUInt16BE(2) & 0x010f), 2)
  return identified(Buffer.concat([header, query.question, bytes.subarray(rest)]), query)
}
