/**
 * Checks a message before dns2 3.1 parses it, in one linear pass over the bytes. dns2's parser reads bit by bit and follows
 * pointers without a bound (RFC 9267 names such faults): 65 kB of pointer chains cost it seconds.
 */

const HEADER = 12
/** The most records of a section that are read. If a section has more, the sections after it are not read. */
export const MAX_RECORDS = 200
const MAX_POINTERS = 16
const MAX_NAME = 255
/** Octets that all names of a message may have when written out: a limit for what pointers can make of a short message. */
const MAX_EXPANDED = 32_768

const FORMERR = 1
const NOTIMP = 4

/** Record types whose content dns2 reads (RFC 1035 and others). */
const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  RRSIG: 46,
  DNSKEY: 48,
  SPF: 99,
  CAA: 257,
} as const

/**
 * `foreign`: not the reply to our query; it is ignored, and the wait goes on (RFC 5452 section 9.1). `truncated`: ask again over
 * TCP. `bare`: an old server's refusal of EDNS, a header alone (RFC 6891 section 7). `malformed`: the reply, but broken: no part
 * of it is used.
 */
export type MessageVerdict = 'foreign' | 'truncated' | 'bare' | 'malformed' | 'whole'

/** How many records of each section of a message are used. */
export interface RecordCounts {
  readonly answers: number
  readonly authorities: number
  readonly additionals: number
}

/**
 * The records of a message that are read: at most {@link MAX_RECORDS} of a section. After a longer section no other is read, because
 * all of the longer one would have to be walked through first.
 */
export function usedRecords(message: Buffer): RecordCounts {
  let cut = false
  const use = (offset: number): number => {
    if (cut) return 0
    const count = message.readUInt16BE(offset)
    cut = count > MAX_RECORDS
    return cut ? MAX_RECORDS : count
  }
  return { answers: use(6), authorities: use(8), additionals: use(10) }
}

/**
 * Judges a message before it is parsed.
 * @param message what came in
 * @param query the query as sent, its name in lower case
 * @param questionEnd offset in the query after its one question
 * @param limit longest message that is read, octets
 */
export function judge(message: Buffer, query: Buffer, questionEnd: number, limit: number): MessageVerdict {
  if (message.length < HEADER || message.length > limit) return 'foreign'
  if (message[0] !== query[0] || message[1] !== query[1]) return 'foreign'
  // QR must be set, OPCODE be QUERY.
  if ((message[2]! & 0xf8) !== 0x80) return 'foreign'
  const questions = message.readUInt16BE(4)
  if (questions === 0) {
    const rcode = message[3]! & 0xf
    return message.length === HEADER && (rcode === FORMERR || rcode === NOTIMP) ? 'bare' : 'foreign'
  }
  if (questions !== 1 || !echoes(message, query, questionEnd)) return 'foreign'
  if ((message[2]! & 0x02) !== 0) return 'truncated'
  return walkRecords(message, questionEnd, usedRecords(message)) ? 'whole' : 'malformed'
}

/** Is the question the one that was asked? Servers may write its name in another case (RFC 4343). */
function echoes(message: Buffer, query: Buffer, questionEnd: number): boolean {
  if (message.length < questionEnd) return false
  if (message.compare(query, HEADER, questionEnd, HEADER, questionEnd) === 0) return true
  const nameEnd = questionEnd - 4
  for (let at = HEADER; at < nameEnd; at++) {
    const octet = message[at]!
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
    if (lower !== query[at]) return false
  }
  return message.compare(query, nameEnd, questionEnd, nameEnd, questionEnd) === 0
}

/**
 * Finds the OPT record of a message that is `whole` for {@link judge}, among the `records` records from `start` on. Returns its
 * offset, or -1.
 */
export function optionsAt(message: Buffer, start: number, records: number): number {
  let at = start
  for (let index = 0; index < records; index++) {
    let fixed = at
    // A name ends at its root label or its first pointer.
    let length = message[fixed]!
    while (length !== 0 && length < 0xc0) {
      fixed += 1 + length
      length = message[fixed]!
    }
    fixed += length === 0 ? 1 : 2
    if (message.readUInt16BE(fixed) === TYPE.OPT) return at
    at = fixed + 10 + message.readUInt16BE(fixed + 8)
  }
  return -1
}

/** Bytes after the last record do no harm, and are not read. */
function walkRecords(message: Buffer, start: number, used: RecordCounts): boolean {
  const firstAdditional = used.answers + used.authorities
  const records = firstAdditional + used.additionals
  let at = start
  let expanded = 0
  let options = 0
  for (let index = 0; index < records; index++) {
    const owner = skipName(message, at, message.length, false)
    if (owner < 0) return false
    expanded += expandedOf(owner)
    const fixed = nextOf(owner)
    if (fixed + 10 > message.length) return false
    const type = message.readUInt16BE(fixed)
    const data = fixed + 10
    const end = data + message.readUInt16BE(fixed + 8)
    if (end > message.length) return false
    // One OPT, owned by the root, in the additional section (RFC 6891 6.1.1).
    if (type === TYPE.OPT && (++options > 1 || index < firstAdditional || fixed !== at + 1)) return false
    const names = walkData(message, type, data, end)
    if (names < 0) return false
    expanded += names
    if (expanded > MAX_EXPANDED) return false
    at = end
  }
  return true
}

/** Checks one record's RDATA. Returns the octets of the names in it, -1 if it does not fit its RDLENGTH. */
function walkData(message: Buffer, type: number, data: number, end: number): number {
  const length = end - data
  switch (type) {
    case TYPE.A:
      return length === 4 ? 0 : -1
    case TYPE.AAAA:
      return length === 16 ? 0 : -1
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
      return exactName(message, data, end)
    case TYPE.MX:
      return exactName(message, data + 2, end)
    case TYPE.SRV:
      return exactName(message, data + 6, end)
    case TYPE.SOA:
      return walkSoa(message, data, end)
    case TYPE.RRSIG: {
      const signer = length < 18 ? -1 : skipName(message, data + 18, end, false)
      return signer < 0 ? -1 : expandedOf(signer)
    }
    case TYPE.DNSKEY:
      return length >= 4 ? 0 : -1
    case TYPE.CAA:
      return length >= 2 && message[data + 1]! <= length - 2 ? 0 : -1
    case TYPE.TXT:
    case TYPE.SPF:
      return stringsFit(message, data, end) ? 0 : -1
    case TYPE.OPT:
      return optionsFit(message, data, end) ? 0 : -1
    default:
      return 0
  }
}

function exactName(message: Buffer, at: number, end: number): number {
  const name = at < end ? skipName(message, at, end, false) : -1
  return name >= 0 && nextOf(name) === end ? expandedOf(name) : -1
}

function walkSoa(message: Buffer, data: number, end: number): number {
  const primary = skipName(message, data, end, false)
  if (primary < 0) return -1
  // RNAME is a mailbox: its first label may have dots (RFC 1035 8).
  const mailbox = skipName(message, nextOf(primary), end, true)
  return mailbox >= 0 && nextOf(mailbox) + 20 === end ? expandedOf(primary) + expandedOf(mailbox) : -1
}

function stringsFit(message: Buffer, data: number, end: number): boolean {
  let at = data
  while (at < end) at += 1 + message[at]!
  return at === end
}

function optionsFit(message: Buffer, data: number, end: number): boolean {
  let at = data
  while (at + 4 <= end) at += 4 + message.readUInt16BE(at + 2)
  return at === end
}

// skipName's two numbers in one: no allocation for each name. Messages are shorter than 65536.
const nextOf = (name: number): number => name & 0xffff
const expandedOf = (name: number): number => name >>> 16

/**
 * Walks over a name. Pointers must go backward, each below the start of the part that holds it, so that the walk ends
 * (RFC 9267 2). Labels with dots or control bytes are refused, unless `mailbox`: dns2 does not escape them.
 * @returns offset after the name and its octets when written out, in one number; -1 if it is broken
 */
function skipName(message: Buffer, start: number, end: number, mailbox: boolean): number {
  let at = start
  let limit = end
  let floor = start
  let next = 0
  let pointers = 0
  let octets = 1
  for (;;) {
    if (at >= limit) return -1
    const length = message[at]!
    if (length === 0) return (octets << 16) | (next === 0 ? at + 1 : next)
    if (length >= 0xc0) {
      if (at + 1 >= limit || ++pointers > MAX_POINTERS) return -1
      const target = ((length & 0x3f) << 8) | message[at + 1]!
      if (target >= floor || target < HEADER) return -1
      if (next === 0) next = at + 2
      at = floor = target
      limit = message.length
      continue
    }
    const labelEnd = at + 1 + length
    octets += 1 + length
    if (length > 63 || octets > MAX_NAME || labelEnd > limit) return -1
    for (at++; at < labelEnd; at++) {
      const code = message[at]!
      if (code < 0x20 || code === 0x7f || (code === 0x2e && !mailbox)) return -1
    }
  }
}
