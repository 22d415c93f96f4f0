import { isWithin } from './names'
import type { Content, QueryType, Question, RecordOf } from './types'

/** The part of a record of dns2 that is used. */
export interface ParsedRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly address?: string
  readonly exchange?: string
  readonly priority?: number
  readonly domain?: string
  readonly minimum?: number
}

/** The part of a message of dns2 that is used. */
export interface ParsedMessage {
  readonly header: {
    readonly rcode: number
    readonly aa: number
    readonly ra: number
    readonly ancount: number
    readonly nscount: number
  }
  readonly answers: readonly ParsedRecord[]
  readonly authorities: readonly ParsedRecord[]
  readonly errors: readonly unknown[]
}

/**
 * An answer as a server gave it. An MX set may hold a null MX, whose exchange is `''`, and names that are not those of hosts.
 * `ttlSeconds`: 0 means that it must not be kept.
 */
export type Statement<T extends QueryType = QueryType> = Content<T> & { readonly ttlSeconds: number }

/** The chain of CNAMEs leads to a name of which the server said nothing. `links`: CNAMEs followed so far. */
export interface Alias {
  readonly kind: 'alias'
  readonly target: string
  readonly links: number
  readonly ttlSeconds: number
}

/** What a reply says. */
export type ServerReply<T extends QueryType = QueryType> = Statement<T> | Alias

/** A reply without an answer. Another server may have one. */
export interface ServerFailure {
  readonly kind: 'failure'
  /** A code like those of node:dns. */
  readonly code: string
  /** What the server did, to be read after its name: `answered SERVFAIL (server failure)`. */
  readonly reason: string
  /**
   * The server suggested that there is no such record, in a way that proves nothing. If no server has an answer, this counts as an
   * absence that is not proven.
   */
  readonly suggestsNodata?: true
}

/** CNAMEs that are followed for one question. */
export const MAX_LINKS = 8

export const TYPE_CODE = { MX: 15, A: 1, AAAA: 28 } as const satisfies Record<QueryType, number>
const CLASS_IN = 1
const NS = 2
const CNAME = 5
const SOA = 6

const NOERROR = 0
const NXDOMAIN = 3
/** The other response codes (RFC 1035 section 4.1.1, RFC 6891 section 9). */
const FAILURES: Readonly<Record<number, readonly [code: string, reason: string]>> = {
  1: ['EFORMERR', 'answered FORMERR (it did not understand the query)'],
  2: ['ESERVFAIL', 'answered SERVFAIL (server failure)'],
  4: ['ENOTIMP', 'answered NOTIMP (it does not support this query)'],
  5: ['EREFUSED', 'answered REFUSED (it does not answer this question for us)'],
  16: ['EBADVERS', 'answered BADVERS (it does not support this version of EDNS)'],
}

export function serverFailure(code: string, reason: string): ServerFailure {
  return { kind: 'failure', code, reason }
}

/**
 * Reads what a reply says to a question, after dns2 has parsed it. Records are taken by owner, class and type along the CNAME
 * chain, all of them or none. In doubt the reply is a failure, because an absence makes mail bounce and a failure does not.
 *
 * @param serves may the server be trusted about this name? The chain is followed only as far as that.
 */
export function interpret<T extends QueryType>(
  message: ParsedMessage,
  question: Question<T>,
  serves: (name: string) => boolean = () => true,
): ServerReply<T> | ServerFailure {
  const { header, answers, authorities } = message
  if (
    message.errors.length > 0 ||
    answers.length !== header.ancount ||
    authorities.length !== header.nscount
  ) {
    return serverFailure('EBADRESP', 'sent a reply that cannot be read in full')
  }
  if (header.rcode !== NOERROR && header.rcode !== NXDOMAIN) {
    const [code, reason] = FAILURES[header.rcode] ?? ['EBADRESP', `answered with the code ${header.rcode}`]
    return serverFailure(code, reason)
  }

  let owner = question.name
  let ttlSeconds = Infinity
  let links = 0
  for (;;) {
    const link = answers.find((record) => record.type === CNAME && isOf(record, owner))
    if (link === undefined) break
    if (++links > MAX_LINKS)
      return serverFailure('EBADRESP', `sent more than ${MAX_LINKS} CNAME records in a chain`)
    owner = link.domain!.toLowerCase()
    ttlSeconds = Math.min(ttlSeconds, link.ttl)
    if (!serves(owner)) return { kind: 'alias', target: owner, ttlSeconds, links }
  }
  const type = TYPE_CODE[question.type]
  const found = answers.filter((record) => record.type === type && isOf(record, owner))
  if (header.rcode === NXDOMAIN) {
    const contradicts = found.length > 0 || (answers.length > 0 && links === 0)
    if (contradicts) return serverFailure('EBADRESP', 'sent NXDOMAIN together with an answer')
    return { kind: 'nxdomain', ttlSeconds: Math.min(ttlSeconds, negativeTtl(authorities, owner) ?? 0) }
  }
  if (found.length > 0) {
    // The smallest of a set's TTLs where they differ (RFC 2181 section 5.2), and of the chain that led to it.
    for (const record of found) ttlSeconds = Math.min(ttlSeconds, record.ttl)
    return { kind: 'records', records: valuesOf(found, question.type), ttlSeconds }
  }
  if (answers.length > 0 && links === 0) {
    return answers.some((record) => isOf(record, owner))
      ? { ...serverFailure('EOTHERTYPE', 'sent records of another type'), suggestsNodata: true }
      : serverFailure('EBADRESP', 'sent an answer about another name')
  }
  const negative = negativeTtl(authorities, owner)
  if (negative !== undefined) {
    return { kind: 'nodata', proven: true, ttlSeconds: Math.min(ttlSeconds, negative) }
  }
  if (links > 0) return { kind: 'alias', target: owner, ttlSeconds, links }
  if (header.aa === 1) return { kind: 'nodata', proven: true, ttlSeconds: 0 }
  // NS without SOA is a referral (RFC 2308 section 2.2).
  if (authorities.some((record) => record.type === NS && record.class === CLASS_IN)) {
    return serverFailure('EREFERRAL', 'sent a referral to other servers')
  }
  // A resolver that has asked others, and left out their SOA.
  if (header.ra === 1) return { kind: 'nodata', proven: false, ttlSeconds: 0 }
  return {
    ...serverFailure('EREFERRAL', 'sent an empty answer, without SOA and without recursion'),
    suggestsNodata: true,
  }
}

function isOf(record: ParsedRecord, owner: string): boolean {
  return record.class === CLASS_IN && record.name.toLowerCase() === owner
}

/** How long an absence may be kept (RFC 2308 section 5); undefined without the SOA of a zone that the name is in. */
function negativeTtl(authorities: readonly ParsedRecord[], owner: string): number | undefined {
  const soa = authorities.find(
    (record) =>
      record.type === SOA && record.class === CLASS_IN && isWithin(owner, record.name.toLowerCase()),
  )
  return soa === undefined ? undefined : Math.min(soa.ttl, soa.minimum!)
}

/** How the content of a record is read, and compared, by type. */
const CONTENT: {
  readonly [T in QueryType]: {
    readonly read: (record: ParsedRecord) => RecordOf[T]
    readonly isSame: (one: RecordOf[T], other: RecordOf[T]) => boolean
  }
} = {
  MX: {
    read: ({ priority, exchange }) => ({ priority: priority!, exchange: exchange!.toLowerCase() }),
    isSame: (one, other) => one.exchange === other.exchange && one.priority === other.priority,
  },
  A: { read: ({ address }) => address!, isSame: (one, other) => one === other },
  AAAA: { read: ({ address }) => address!, isSame: (one, other) => one === other },
}

/** Each content once. There are few, so that comparing each with each costs less than a Set. */
function valuesOf<T extends QueryType>(records: readonly ParsedRecord[], type: T): readonly RecordOf[T][] {
  const { read, isSame } = CONTENT[type]
  const values: RecordOf[T][] = []
  for (const record of records) {
    const value = read(record)
    if (!includes(values, value, isSame)) values.push(value)
  }
  return values
}

/** A plain loop: a function made for `some` would cost each cold lookup some 100 bytes. */
function includes<R>(values: readonly R[], value: R, isSame: (one: R, other: R) => boolean): boolean {
  for (const known of values) if (isSame(known, value)) return true
  return false
}
