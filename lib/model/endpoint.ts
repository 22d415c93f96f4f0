import { isIP, isIPv6 } from 'node:net'
import { toHost } from './domain'

/** Where a connection goes: a host and a port. */
export interface Endpoint {
  /** A-label host name in lower case without a trailing dot, or an IP address without brackets. */
  readonly host: string
  readonly port: number
}

/** SMTP between servers (RFC 5321 section 4.5.4.2). */
export const SMTP_PORT = 25
/** SMTP with TLS from the first byte (RFC 8314 section 3.3). */
export const SMTPS_PORT = 465
/** The highest port number (RFC 9293 section 3.1: 16 bits). */
export const LAST_PORT = 65_535

/** Is this a port number that a connection can go to? */
export const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LAST_PORT

/** The port that a text of digits names, or undefined. */
function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && isPort(Number(text)) ? Number(text) : undefined
}

/**
 * A host as it stands before a port: an IPv6 address in brackets (RFC 3986 section 3.2.2). It is the only host with a colon, which is
 * found ten times as fast as `isIPv6` tests its pattern; each message makes such a text a dozen times.
 */
export const formatHost = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** `host:port`, with an IPv6 address in brackets. */
export const formatEndpoint = ({ host, port }: Endpoint): string => `${formatHost(host)}:${port}`

/** What a text `host[:port]` says. */
export type EndpointReading =
  | {
      readonly ok: true
      readonly host: string
      /** Absent where the text names none. */
      readonly port?: number
      /** An IPv6 address without brackets: unambiguous only because it stands alone. */
      readonly bareIPv6: boolean
    }
  | {
      readonly ok: false
      readonly fault: 'missing-host' | 'bad-host' | 'bad-port'
      /** The part of the text that is wrong, as offsets in UTF-16 code units. */
      readonly start: number
      readonly end: number
      /** The text that was probably meant. */
      readonly suggestion?: string
    }

function beforeColon(text: string): string {
  const colon = text.indexOf(':')
  return colon === -1 ? text : text.slice(0, colon)
}

/**
 * endpoint = host [ ":" port ]
 * host     = name | IPv4 | "[" IPv6 "]" | IPv6        the last only without a port
 */
export function parseEndpoint(text: string): EndpointReading {
  if (isIPv6(text)) return { ok: true, host: toHost(text) ?? text, bareIPv6: true }
  const bracket = /^\[([^\]]*)\]/.exec(text)
  const name = bracket?.[1] ?? (text.startsWith('[') ? text : beforeColon(text))
  const end = bracket?.[0].length ?? name.length
  const rest = text.slice(end)
  const host = bracket !== null && !isIPv6(name) ? undefined : toHost(name)
  if (host === undefined) {
    const suggestion = bracket === null ? undefined : meantInBrackets(name)
    const fault = name === '' ? 'missing-host' : 'bad-host'
    return { ok: false, fault, start: 0, end, ...(suggestion === undefined ? {} : { suggestion }) }
  }
  if (rest === '') return { ok: true, host, bareIPv6: false }
  const port = rest.startsWith(':') ? parsePort(rest.slice(1)) : undefined
  if (port === undefined) return { ok: false, fault: 'bad-port', start: end, end: text.length }
  return { ok: true, host, port, bareIPv6: false }
}

/** Ports of mail and of DNS that people write after an address. */
const WELL_KNOWN = /^(.*):(24|25|53|465|587|853|2525|5353)$/

/**
 * An IPv6 address without brackets that may have been meant as an address and a well-known port. Both are addresses, so only the
 * one who wrote it knows.
 *
 * @example splitBareIPv6('2001:db8::1:53') // { host: '2001:db8::1', port: 53 }
 * @returns undefined where there is one way to read it
 */
export function splitBareIPv6(text: string): Endpoint | undefined {
  const [, address = '', port] = WELL_KNOWN.exec(text) ?? []
  return isIPv6(text) && isIPv6(address) ? { host: address, port: Number(port) } : undefined
}

/** Brackets hold an IPv6 address, without the tag that a domain literal has, and nothing else. */
function meantInBrackets(name: string): string | undefined {
  if (isIP(name) === 4) return name
  const v6 = /^ipv6:(.*)$/i.exec(name)?.[1]
  return v6 !== undefined && isIPv6(v6) ? `[${v6}]` : undefined
}
