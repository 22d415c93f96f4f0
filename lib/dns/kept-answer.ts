import { isIPv4, isIPv6 } from 'node:net'
import type { MxRecord } from '../model/dns-answer'
import { toPrintable } from '../model/printable'
import { MAX_RECORDS } from './guard'
import { serverFailure, type ServerFailure } from './interpret'
import { readMxSet } from './mx-set'
import type { Content, QueryType, Question, RecordOf } from './types'

/*
 * An answer as processes keep it for each other, as JSON:
 *
 *   ["MX","example.com","192.0.2.53:53","records",[[10,"mx.example.com"]]]
 *   ["A","mx.example.com","192.0.2.53:53","records",["192.0.2.1"]]
 *   ["MX","example.com","192.0.2.53:53","nxdomain"]        or nodata (which is proven), or nullmx
 *   ["MX","example.com","","failure","ESERVFAIL","DNS server 192.0.2.53:53 answered SERVFAIL (server failure)"]
 *
 * Others can write there too, so it is read as strictly as a reply of a server: either all of it is used, or nothing.
 */

/** What is kept of one question. */
export interface KeptAnswer<T extends QueryType = QueryType> {
  readonly content: Content<T> | ServerFailure
  /** Which server said so, as `ip:port`; '' for a failure. */
  readonly server: string
}

/** The longest text, characters: a longer answer is neither kept nor read. */
export const LONGEST_KEPT = 4096
const LONGEST_REASON = 300
const SERVER = /^(?:[\d.]{7,15}|\[[\da-f.:]{2,45}(?:%\w{1,15})?\]):\d{1,5}$/
/**
 * Failures that are due to the name: the server has tried to resolve it, and says that it cannot. Others, such as a timeout or a
 * refusal, may be due to the way from this host to the server.
 */
const OF_THE_NAME: ReadonlySet<string> = new Set(['ESERVFAIL', 'EBADMX'])

/** The text of an answer; undefined for one that must not be kept. */
export function formatKept<T extends QueryType>(
  { type, name }: Question<T>,
  { content, server }: KeptAnswer<T>,
): string | undefined {
  const rest = formatContent(content)
  if (rest === undefined) return undefined
  const text = JSON.stringify([type, name, server, content.kind, ...rest])
  return text.length <= LONGEST_KEPT ? text : undefined
}

function formatContent(content: Content | ServerFailure): readonly unknown[] | undefined {
  switch (content.kind) {
    case 'records': {
      const records: readonly (string | MxRecord)[] = content.records
      return [
        records.map((record) => (typeof record === 'string' ? record : [record.priority, record.exchange])),
      ]
    }
    case 'nodata':
      return content.proven ? [] : undefined
    case 'nxdomain':
    case 'nullmx':
      return []
    case 'failure':
      return OF_THE_NAME.has(content.code)
        ? [content.code, toPrintable(content.reason, { max: LONGEST_REASON })]
        : undefined
    default:
      return content satisfies never
  }
}

/** Reads the text that is kept for a question; undefined for a text that no process writes for it. */
export function readKept<T extends QueryType>(
  { type, name }: Question<T>,
  text: string,
): KeptAnswer<T> | undefined {
  const value = parse(text)
  if (!Array.isArray(value)) return undefined
  const [itsType, itsName, server, kind, ...rest] = value as unknown[]
  if (itsType !== type || itsName !== name || typeof server !== 'string') return undefined
  if (kind === 'failure') {
    const content = readFailure(rest)
    return content === undefined || server !== '' ? undefined : { content, server }
  }
  const content = SERVER.test(server) ? readContent(type, kind, rest) : undefined
  return content === undefined ? undefined : { content, server }
}

function parse(text: string): unknown {
  if (text.length > LONGEST_KEPT) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readFailure([code, reason, ...more]: readonly unknown[]): ServerFailure | undefined {
  if (typeof code !== 'string' || !OF_THE_NAME.has(code) || more.length > 0) return undefined
  if (typeof reason !== 'string' || reason !== toPrintable(reason, { max: LONGEST_REASON })) return undefined
  return serverFailure(code, reason)
}

function readContent<T extends QueryType>(
  type: T,
  kind: unknown,
  [records, ...more]: readonly unknown[],
): Content<T> | undefined {
  if (more.length > 0) return undefined
  if (kind === 'records') return Array.isArray(records) ? readRecords(type, records) : undefined
  if (records !== undefined) return undefined
  if (kind === 'nodata') return { kind, proven: true }
  if (kind === 'nxdomain' || (kind === 'nullmx' && type === 'MX')) return { kind }
  return undefined
}

const RECORD: { readonly [T in QueryType]: (value: unknown) => RecordOf[T] | undefined } = {
  MX: readMx,
  A: (value) => (typeof value === 'string' && isIPv4(value) ? value : undefined),
  // A record has no zone index.
  AAAA: (value) => (typeof value === 'string' && isIPv6(value) && !value.includes('%') ? value : undefined),
}

function readRecords<T extends QueryType>(type: T, values: readonly unknown[]): Content<T> | undefined {
  if (values.length === 0 || values.length > MAX_RECORDS) return undefined
  const records: RecordOf[T][] = []
  for (const value of values) {
    const record = RECORD[type](value)
    if (record === undefined) return undefined
    records.push(record)
  }
  return type === 'MX' && !isMxSet(records as MxRecord[]) ? undefined : { kind: 'records', records }
}

function readMx(value: unknown): MxRecord | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [priority, exchange] = value as unknown[]
  if (!Number.isInteger(priority) || Number(priority) < 0 || Number(priority) > 0xffff) return undefined
  return typeof exchange === 'string' ? { priority: Number(priority), exchange } : undefined
}

/** Is the set as it is kept: sorted, and with hosts only? */
function isMxSet(records: readonly MxRecord[]): boolean {
  let isWhole = true
  const set = readMxSet(records, () => (isWhole = false))
  return isWhole && set.kind === 'records' && set.records === records
}
