import type { AddressAnswer, MxAnswer, Provenance } from '../../model/dns-answer'
import type { Exchange } from '../../model/exchange'

/** `1 error` or `3 warnings`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `3`, `3 and 7`, `3, 7 and 9`. */
export function list(items: readonly (string | number)[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** `line 3`, `lines 3 and 7`. */
export function linesText(lines: readonly number[]): string {
  return `${lines.length === 1 ? 'line' : 'lines'} ${list(lines)}`
}

/** `512 bytes`, `10.0 MiB`. */
export function bytes(size: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = size / 1024
  if (value < 1) return count(size, 'byte')
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${value.toFixed(1)} ${units[unit]}`
}

/** `cached, from 127.0.0.1#53, 240 s left`. */
export function provenance({ how, server, ttl }: Provenance): string {
  switch (server) {
    case 'literal':
      return 'written as an address'
    case 'syntax':
      return 'it is no domain name'
    case 'given':
      return 'as given, nothing looked up'
    case 'system':
      return "from the system's own lookup"
    default:
      return how === 'stale' ? `stale, from ${server}` : `${how}, from ${server}, ${ttl} s left`
  }
}

/** A domain's MX answer in words. */
export function mxWords(answer: MxAnswer): string {
  switch (answer.kind) {
    case 'mx': {
      const records = answer.records.map(({ priority, exchange }) => `${priority} ${exchange}`)
      return `${records.join(', ')} (${provenance(answer)})`
    }
    case 'nullmx':
      return `a null MX: it takes no mail (${provenance(answer)})`
    case 'nodata':
      return `none (${provenance(answer)})`
    case 'nxdomain':
      return `none, the answer is NXDOMAIN (${provenance(answer)})`
    case 'failed':
      return `no answer for now: ${answer.error.message}`
    default:
      return answer satisfies never
  }
}

/** The addresses of a host in words. */
export function addressWords(answer: AddressAnswer): string {
  switch (answer.kind) {
    case 'addresses':
      return `${answer.addresses.join(', ')} (${provenance(answer)})`
    case 'none':
      return `no address (${provenance(answer)})`
    case 'failed':
      return `addresses not known for now: ${answer.error.message}`
    default:
      return answer satisfies never
  }
}

/** Where an exchange comes from. */
export function originWords({ endpoint, origin }: Exchange, domain: string): string {
  switch (origin.kind) {
    case 'line':
      return `line ${origin.line}`
    case 'attempts':
      return `relay of [attempts]`
    case 'dns':
      return endpoint.host === domain ? 'the domain itself' : `MX of ${domain}`
    default:
      return origin satisfies never
  }
}
