import { isIP } from 'node:net'
import { LAST_PRIORITY, parsePriority } from '../model/exchange'
import { ResolveError } from '../model/errors'
import type { AddressAnswer, MxAnswer, MxRecord, Provenance } from '../model/dns-answer'
import { normalizeDomain } from './domain-pattern'

/** A written MX answer is always fresh, and comes from no server. */
const WRITTEN: Provenance = { how: 'fresh', server: 'given', ttlSeconds: 0 }

/** The addresses of a domain that is said not to exist. */
export const NO_ADDRESS: AddressAnswer = Object.freeze({ kind: 'none', proven: true, ...WRITTEN })

/** What reading an MX answer gives: the answer, or in one sentence what is wrong with the text. */
export type MxText =
  { readonly answer: MxAnswer; readonly skipped: readonly string[] } | { readonly error: string }

const FORM = 'PRIO:HOST,... or none, nxdomain, fail'

function parseRecord(text: string): MxRecord | string {
  const [, digits = '', name = ''] = /^(\d+):(.*)$/.exec(text) ?? []
  const priority = parsePriority(digits)
  if (priority === undefined) return `"${text}" is not PRIO:HOST, with PRIO from 0 to ${LAST_PRIORITY}`
  // RFC 7505: the root in place of a host says that the domain takes no mail.
  if (name === '.') return { priority, exchange: '' }
  if (isIP(name) !== 0) return { priority, exchange: name }
  const exchange = normalizeDomain(name)
  return exchange === undefined || exchange.startsWith('[')
    ? `"${name}" is not a host name`
    : { priority, exchange }
}

/**
 * An MX answer as it is written on the command line and in `[tests]`: `10:mx1.example.com,20:mx2.example.com`, `none` (no MX
 * record, an address perhaps), `nxdomain`, `fail` (no answer for the time being), `0:.` (null MX).
 */
export function parseMxText(text: string): MxText {
  switch (text.toLowerCase()) {
    case 'none':
      return { answer: { kind: 'nodata', proven: true, ...WRITTEN }, skipped: [] }
    case 'nxdomain':
      return { answer: { kind: 'nxdomain', ...WRITTEN }, skipped: [] }
    case 'null':
      return { answer: { kind: 'nullmx', ...WRITTEN }, skipped: [] }
    case 'fail': {
      const error = new ResolveError('the lookup failed', { code: 'ETIMEOUT', temporary: true })
      return { answer: { kind: 'failed', error }, skipped: [] }
    }
    default:
      return parseRecords(text)
  }
}

function parseRecords(text: string): MxText {
  const records: MxRecord[] = []
  for (const part of text.split(',')) {
    const record = parseRecord(part.trim())
    if (typeof record === 'string') return { error: `${record}; expected ${FORM}` }
    records.push(record)
  }
  const skipped = records.filter(({ exchange }) => isIP(exchange) !== 0).map(({ exchange }) => exchange)
  const hosts = records.filter(({ exchange }) => exchange !== '' && isIP(exchange) === 0)
  if (hosts.length > 0) {
    return {
      answer: { kind: 'mx', records: hosts.sort((a, b) => a.priority - b.priority), ...WRITTEN },
      skipped,
    }
  }
  if (skipped.length === 0) return { answer: { kind: 'nullmx', ...WRITTEN }, skipped }
  // As the resolver treats a set without a usable record.
  const error = new ResolveError('no MX names a host', { code: 'EBADMX', temporary: true })
  return { answer: { kind: 'failed', error }, skipped }
}
