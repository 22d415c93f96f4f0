/**
 * DNS messages by the byte, for tests: made and read without the codec under test, so that both cannot be wrong alike. Names are
 * written without compression; `raw` bytes go anywhere.
 */

export const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, OPT: 41 } as const
export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const

/** Flag bits of the header's third and fourth octet. */
export const FLAGS = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080 } as const

/** A resource record in its wire form, less the owner's compression. */
export interface WireRecord {
  readonly owner: Buffer
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: Buffer
}

/** `a.b` by labels; a dot that belongs to a label is written `\.`, any octet `\000` to `\255`. '' is the root. */
export function wireName(text: string): Buffer {
  const labels: number[][] = [[]]
  const pattern = /\\(\d{3})|\\(.)|(\.)|([^])/g
  for (const [, decimal, escaped, dot, plain] of text.matchAll(pattern)) {
    if (dot !== undefined) labels.push([])
    else labels.at(-1)!.push(decimal === undefined ? (escaped ?? plain)!.charCodeAt(0) : Number(decimal))
  }
  const filled = labels.filter((label) => label.length > 0)
  return Buffer.from([...filled.flatMap((label) => [label.length, ...label]), 0])
}

export const u16 = (value: number): Buffer => Buffer.from([(value >>> 8) & 0xff, value & 0xff])
export const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value)])

/** Any record at all. */
export function rawRecord(owner: string, type: number, data: Buffer, ttl = 300, rrClass = 1): WireRecord {
  return { owner: wireName(owner), type, class: rrClass, ttl, data }
}

export const mxRecord = (owner: string, priority: number, exchange: string, ttl?: number): WireRecord =>
  rawRecord(owner, TYPES.MX, Buffer.concat([u16(priority), wireName(exchange)]), ttl)

export const aRecord = (owner: string, address: string, ttl?: number): WireRecord =>
  rawRecord(owner, TYPES.A, Buffer.from(address.split('.').map(Number)), ttl)

const groups = (text: string): number[] =>
  text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))

/** The address in full or with one `::`. */
export function aaaaRecord(owner: string, address: string, ttl?: number): WireRecord {
  const [head = '', tail] = address.split('::')
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return rawRecord(owner, TYPES.AAAA, Buffer.concat([...before, ...zeros, ...after].map(u16)), ttl)
}

export const cnameRecord = (owner: string, target: string, ttl?: number): WireRecord =>
  rawRecord(owner, TYPES.CNAME, wireName(target), ttl)

export const nsRecord = (owner: string, host: string, ttl?: number): WireRecord =>
  rawRecord(owner, TYPES.NS, wireName(host), ttl)

/** `minimum` is the negative TTL of RFC 2308. */
export const soaRecord = (owner: string, minimum: number, ttl?: number, mailbox = 'hostmaster'): WireRecord =>
  rawRecord(
    owner,
    TYPES.SOA,
    Buffer.concat([wireName('ns.example'), wireName(mailbox), ...[1, 3600, 600, 86_400, minimum].map(u32)]),
    ttl,
  )

/** OPT (RFC 6891 6.1.2). `rcode` is the whole extended code: its upper 8 bits go here. */
export const optRecord = (size = 1232, rcode = 0, version = 0): WireRecord => ({
  owner: wireName(''),
  type: TYPES.OPT,
  class: size,
  ttl: (((rcode >>> 4) << 24) | (version << 16)) >>> 0,
  data: Buffer.alloc(0),
})

export function encodeRecord(record: WireRecord): Buffer {
  const { owner, type, class: rrClass, ttl, data } = record
  return Buffer.concat([owner, u16(type), u16(rrClass), u32(ttl), u16(data.length), data])
}

/** What a message is made of. Counts are those of the lists unless given. */
export interface WireMessage {
  readonly id: number
  /** Without the RCODE, which is `rcode`. Default: QR, RD, RA. */
  readonly flags?: number
  readonly rcode?: number
  /** The question's bytes: name, type and class. Empty: no question. */
  readonly question: Buffer
  readonly answers?: readonly WireRecord[]
  readonly authorities?: readonly WireRecord[]
  readonly additionals?: readonly WireRecord[]
  readonly counts?: readonly [questions: number, answers: number, authorities: number, additionals: number]
}

export function encodeMessage(message: WireMessage): Buffer {
  const { answers = [], authorities = [], additionals = [], question } = message
  const flags = message.flags ?? FLAGS.QR | FLAGS.RD | FLAGS.RA
  const counts = message.counts ?? [
    question.length > 0 ? 1 : 0,
    answers.length,
    authorities.length,
    additionals.length,
  ]
  return Buffer.concat([
    u16(message.id),
    u16(flags | ((message.rcode ?? 0) & 0xf)),
    ...counts.map(u16),
    question,
    ...[...answers, ...authorities, ...additionals].map(encodeRecord),
  ])
}

export function encodeQuestion(name: string, type: number, rrClass = 1): Buffer {
  return Buffer.concat([wireName(name), u16(type), u16(rrClass)])
}

/** A query as a server sees it. */
export interface WireQuery {
  readonly id: number
  /** As in the message, without a trailing dot. */
  readonly name: string
  readonly type: number
  readonly flags: number
  /** The question's bytes. */
  readonly question: Buffer
  /** The UDP payload size of an OPT record; absent without one. */
  readonly ednsSize?: number
}

/** Reads a query: one question, perhaps an OPT. Throws on anything else. */
export function decodeQuery(bytes: Buffer): WireQuery {
  if (bytes.readUInt16BE(4) !== 1) throw new Error('not one question')
  const labels: string[] = []
  let at = 12
  for (let length = bytes.readUInt8(at); length > 0; length = bytes.readUInt8(at)) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const end = at + 5
  const query = {
    id: bytes.readUInt16BE(0),
    name: labels.join('.'),
    type: bytes.readUInt16BE(at + 1),
    flags: bytes.readUInt16BE(2),
    question: Buffer.from(bytes.subarray(12, end)),
  }
  if (bytes.readUInt16BE(10) === 0) return query
  if (bytes.readUInt8(end) !== 0 || bytes.readUInt16BE(end + 1) !== TYPES.OPT) throw new Error('not an OPT')
  return { ...query, ednsSize: bytes.readUInt16BE(end + 3) }
}
