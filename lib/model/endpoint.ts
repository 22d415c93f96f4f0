import { isIPv6 } from 'node:net'

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
export const LAST_PORT = 65_535

/** Is this a port number that a connection can go to? */
export const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= LAST_PORT

/** `host:port`, with an IPv6 address in brackets (RFC 3986 section 3.2.2). */
export function formatEndpoint({ host, port }: Endpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}
