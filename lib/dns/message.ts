import { isWithin } from './names'
import type { Question } from './types'
import type { MxRecord } from '../model/dns-answer'

/** What is used of a record that dns2 parsed. */
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

/** What is used of a message that dns2 parsed. */
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

/** The content of a reply. `ttl` in seconds as the server gave it; 0 is not to be kept. */
export type Reply =
  | { readonly kind: 'records'; readonly records: readonly (MxRecord | string)[]; readonly ttl: number }
  | { readonly kind: 'nodata'; readonly ttl: number }
  | { readonly kind: 'nxdomain'; readonly ttl: number }
  /** A CNAME whose target the server said nothing of. `links`: CNAMEs followed so far. */
  | { readonly kind: 'alias'; readonly target: string; readonly ttl: number; readonly links: number }

/** A reply that is no answer; another server may have one. `code` as those of node:dns. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly code: string
  readonly reason: string
}

/** CNAMEs that are followed for one question. */
export const MAX_LINKS = 8

export const TYPE_CODE = { MX: 15, A: 1, AAAA: 28 } as const
const CLASS_IN = 1
const NS = 2
const CNAME = 5
const SOA = 6

const REFUSALS: Readonly<Record<number, readonly [code: string, reason: string]>> = {
  1: ['EFORMERR', 'the server did not understand the query (FORMERR)'],
  2: ['ESERVFAIL', 'the server failed (SERVFAIL)'],
  4: ['ENOTIMP', 'the server does not do this (NOTIMP)'],
  5: ['EREFUSED', 'the server refused (REFUSED)'],
  16: ['EBADVERS', 'the server does not speak this version of EDNS (BADVERS)'],
}
const NOERROR = 0
const NXDOMAIN = 3

const refusal = (code: string, reason: string): Refusal => ({ kind: 'refusal', code, reason })

/**
 * What a reply says to a question, after dns2 has parsed it: the records are taken by owner, class and type along the CNAME
 * chain, all of them or none. Whatever leaves doubt is a refusal, since absence makes mail bounce and a failure does not.
 */
export function interpret(message: ParsedMessage, question: Question): Reply | Refusal {
  const { header, answers, authorities } = message
  if (
    message.errors.length > 0 ||
    answers.length !== header.ancount ||
    authorities.length !== header.nscount
  ) {
    return refusal('EBADRESP', 'the reply could not be read in whole')
  }
  if (header.rcode !== NOERROR && header.rcode !== NXDOMAIN) {
    const [code, reason] = REFUSALS[header.rcode] ?? [
      'EBADRESP',
      `the server answered with code ${header.rcode}`,
    ]
    return refusal(code, reason)
  }

  let owner = question.name
  let ttl = Infinity
  let links = 0
  for (;;) {
    const link = answers.find(
      (r) => r.type === CNAME && r.class === CLASS_IN && r.name.toLowerCase() === owner,
    )
    if (link === undefined) break
    if (++links > MAX_LINKS) return refusal('EBADRESP', `more than ${MAX_LINKS} CNAME records in a chain`)
    owner = link.domain!.toLowerCase()
    ttl = Math.min(ttl, link.ttl)
  }
  const type = TYPE_CODE[question.type]
  const found = answers.filter(
    (r) => r.type === type && r.class === CLASS_IN && r.name.toLowerCase() === owner,
  )
  if (answers.length > 0 && found.length === 0 && links === 0) {
    return refusal('EBADRESP', 'the answer is of another name')
  }
  if (header.rcode === NXDOMAIN) {
    if (found.length > 0) return refusal('EBADRESP', 'NXDOMAIN with an answer')
    return { kind: 'nxdomain', ttl: Math.min(ttl, negativeTtl(authorities, owner) ?? 0) }
  }
  if (found.length > 0) {
    // The smallest of a set's TTLs where they differ (RFC 2181 5.2), and of the chain that led to it.
    for (const record of found) ttl = Math.min(ttl, record.ttl)
    return { kind: 'records', records: valuesOf(found), ttl }
  }
  const negative = negativeTtl(authorities, owner)
  if (negative !== undefined) return { kind: 'nodata', ttl: Math.min(ttl, negative) }
  if (links > 0) return { kind: 'alias', target: owner, ttl, links }
  // NS without SOA is a referral (RFC 2308 2.2); so is, in effect, a server's empty answer for what is not its own.
  if (authorities.some((r) => r.type === NS && r.class === CLASS_IN))
    return refusal('EREFERRAL', 'a referral')
  if (header.aa === 0 && header.ra === 0) {
    return refusal('EREFERRAL', 'an empty answer of a server that neither has the zone nor asks others')
  }
  return { kind: 'nodata', ttl: 0 }
}

/** How long an absence may be kept (RFC 2308 5); undefined without the SOA of a zone that the name is in. */
function negativeTtl(authorities: readonly ParsedRecord[], owner: string): number | undefined {
  const soa = authorities.find(
    (r) => r.type === SOA && r.class === CLASS_IN && isWithin(owner, r.name.toLowerCase()),
  )
  return soa === undefined ? undefined : Math.min(soa.ttl, soa.minimum!)
}

/** The records' content, each once. */
/** Without duplicates. Few, so that comparing each with each costs less than a Set. */
function valuesOf(records: readonly ParsedRecord[]): (MxRecord | string)[] {
  const values: (MxRecord | string)[] = []
  for (const { address, exchange, priority } of records) {
    if (address !== undefined) {
      if (!values.includes(address)) values.push(address)
      continue
    }
    const record = { priority: priority!, exchange: exchange!.toLowerCase() }
    if (!values.some((value) => isSameMx(value, record))) values.push(record)
  }
  return values
}

function isSameMx(value: MxRecord | string, record: MxRecord): boolean {
  return typeof value !== 'string' && value.exchange === record.exchange && value.priority === record.priority
}
