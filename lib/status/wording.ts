import type { Decision } from '../model/decision'
import type { AddressAnswer, MxAnswer, Provenance } from '../model/dns-answer'
import { formatEndpoint } from '../model/endpoint'
import type { Exchange } from '../model/exchange'
import { toPrintable } from '../model/printable'
import type { Route } from '../routing/route'

/** `1 error` or `3 warnings`. */
export function formatCount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `3`, `3 and 7`, `3, 7 and 9`. */
export function joinWords(items: readonly (string | number)[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** `line 3`, `lines 3 and 7`. */
export function formatLines(lines: readonly (number | string)[]): string {
  return `${lines.length === 1 ? 'line' : 'lines'} ${joinWords(lines)}`
}

/** `512 bytes`, `10.0 MiB`. */
export function formatSize(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes / 1024
  if (value < 1) return formatCount(bytes, 'byte')
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${value.toFixed(1)} ${units[unit]}`
}

/** A time in its largest unit and the next: `45s`, `3h 20m`, `2d 4h`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([number]) => number > 0)
  const shown = parts.slice(first, first + 2).filter(([number]) => number > 0)
  return first === -1 ? '0s' : shown.map(([number, unit]) => `${number}${unit}`).join(' ')
}

/** The last time that a `Date` has, ms since the epoch: a file that somebody else wrote may name a later one. */
const LAST_TIME = 8.64e15

/** `2026-05-17T12:00:00.000Z`: as JSON has it. */
export function formatIsoTime(millisecondsSinceEpoch: number): string {
  return new Date(Math.min(millisecondsSinceEpoch, LAST_TIME)).toISOString()
}

/** `2026-05-17 12:00:00 UTC`: the zone of the log lines, whatever that of this machine is. */
export function formatTime(millisecondsSinceEpoch: number): string {
  return `${formatIsoTime(millisecondsSinceEpoch).slice(0, 19).replace('T', ' ')} UTC`
}

/** `line 3`, `[attempts]` or `DNS`: what decided. */
export function describeSource({ source, matched }: Pick<Decision, 'source' | 'matched'>): string {
  switch (source) {
    case 'overrides':
      // None matched yet: a line could not be decided, and the message was deferred.
      return matched.length === 0 ? 'override lines' : formatLines(matched)
    case 'attempts':
      return '[attempts]'
    case 'dns':
      return 'DNS'
    default:
      return source satisfies never
  }
}

/** `Would bounce: x.example does not exist`. */
export function describeNoRoute({ outcome, noRoute }: Pick<Route, 'outcome' | 'noRoute'>): string {
  const prefix = outcome === 'bounce' ? 'Would bounce' : 'Would be deferred'
  return noRoute === undefined ? prefix : `${prefix}: ${toPrintable(noRoute.message)}`
}

/** `cached, from 127.0.0.1:53, 240 s left`. */
function describeProvenance({ how, server, ttlSeconds }: Provenance): string {
  switch (server) {
    case 'literal':
      return 'written as an address'
    case 'syntax':
      return 'not a domain name'
    case 'given':
      return 'as given, nothing looked up'
    case 'system':
      return "from the system's own lookup"
    default:
      return how === 'stale' ? `stale, from ${server}` : `${how}, from ${server}, ${ttlSeconds} s left`
  }
}

/** A domain's MX answer in words. */
export function describeMx(answer: MxAnswer): string {
  switch (answer.kind) {
    case 'mx': {
      const records = answer.records.map(({ priority, exchange }) => `${priority} ${exchange}`)
      return `${toPrintable(records.join(', '))} (${describeProvenance(answer)})`
    }
    case 'nullmx':
      return `null MX, the domain accepts no mail (${describeProvenance(answer)})`
    case 'nodata':
      return `none (${describeProvenance(answer)})`
    case 'nxdomain':
      return `none, the answer is NXDOMAIN (${describeProvenance(answer)})`
    case 'failed':
      return `no answer now: ${toPrintable(answer.error.message)}`
    default:
      return answer satisfies never
  }
}

/** The addresses of a host in words. */
export function describeAddresses(answer: AddressAnswer): string {
  switch (answer.kind) {
    case 'addresses':
      return `${answer.addresses.join(', ')} (${describeProvenance(answer)})`
    case 'none':
      return `no address (${describeProvenance(answer)})`
    case 'failed':
      return `addresses not known now: ${toPrintable(answer.error.message)}`
    default:
      return answer satisfies never
  }
}

/** Where an exchange of a decision about `domain` comes from. */
export function describeOrigin({ endpoint, origin }: Exchange, domain: string): string {
  switch (origin.kind) {
    case 'line':
      return `line ${origin.line}`
    case 'attempts':
      return `relay of [attempts]`
    case 'dns':
      return [
        endpoint.host === domain ? 'the domain itself' : `MX of ${domain}`,
        ...(origin.line === undefined ? [] : [`line ${origin.line}`]),
      ].join(', ')
    default:
      return origin satisfies never
  }
}

/** Exchanges of one priority, of which any may be tried first. */
export function groupByPriority(exchanges: readonly Exchange[]): readonly (readonly Exchange[])[] {
  const groups: Exchange[][] = []
  for (const exchange of exchanges) {
    const last = groups.at(-1)
    if (last !== undefined && last[0]?.priority === exchange.priority) last.push(exchange)
    else groups.push([exchange])
  }
  return groups
}

/** `a:25 or b:25, then c:25`: in the order in which they are tried; equals have none. */
export function describeOrder(exchanges: readonly Exchange[]): string {
  return groupByPriority(exchanges)
    .map((group) => group.map(({ endpoint }) => toPrintable(formatEndpoint(endpoint))).join(' or '))
    .join(', then ')
}
