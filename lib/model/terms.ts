import { isIP } from 'node:net'
import { SMTP_PORT } from './endpoint'

/** `required`: encrypted and the certificate good for the host name. `opportunistic`: as offered. `off`: never. */
export type TlsPolicy = 'required' | 'opportunistic' | 'off'

/** Addresses that are connected to. */
export type Family = 'v4' | 'v6' | 'any'

/** Local addresses to connect from, of one family or of both: an address of another family is passed over. */
export interface Bind {
  readonly v4?: string
  readonly v6?: string
}

/**
 * What moves a message on to the next exchange of its decision.
 *
 * - `no_answer`: only a server that does not answer.
 * - `connection`: also one that fails before it has replied to a recipient: greeting, EHLO, STARTTLS, 421, connection lost.
 * - `temporary`: also a 4xx reply to MAIL, to every RCPT, to DATA or to the end of the message.
 */
export type NextMx = 'no_answer' | 'connection' | 'temporary'

/**
 * How a server is spoken to and limited: what a `[relay:NAME]` section, an inline target and direct delivery have in common.
 */
export interface Terms {
  readonly tls: TlsPolicy
  /** Speak LMTP (RFC 2033) instead of SMTP. */
  readonly lmtp: boolean
  readonly family: Family
  readonly nextMx: NextMx
  /** Absent: the system chooses. */
  readonly bind?: Bind
  /** Name to say in EHLO. */
  readonly bindHelo?: string
  /** How long a server that failed is first left out, milliseconds. Absent: it is never left out. */
  readonly retryAfterMs?: number
  /** Connections at once, over all workers. */
  readonly maxConnections?: number
  /** Messages in any 60 minutes, over all workers. */
  readonly maxPerHour?: number
}

/** What holds for direct mail where nothing is written. */
const DIRECT_TERMS: Terms = {
  tls: 'opportunistic',
  lmtp: false,
  family: 'any',
  nextMx: 'connection',
}

/** What holds for an operator's server where nothing is written. */
export const RELAY_TERMS: Terms = { ...DIRECT_TERMS, retryAfterMs: 60_000 }

/** As {@link RELAY_TERMS}, for a target that asks for TLS from the first byte (`smtps://`). */
export const SMTPS_TERMS: Terms = { ...RELAY_TERMS, tls: 'required' }

/** How mail goes to the servers of its domain: `[direct]`, or `[direct:NAME]`. */
export interface DirectTerms {
  /** Of `[direct:NAME]`. */
  readonly name?: string
  readonly port: number
  readonly terms: Terms
}

/** Where the file has no `[direct]`. */
export const DEFAULT_DIRECT: DirectTerms = { port: SMTP_PORT, terms: DIRECT_TERMS }

/** The family of an IP address. Not by `isIP`, whose pattern for IPv6 takes half a microsecond. */
export const familyOf = (address: string): 'v4' | 'v6' => (address.includes(':') ? 'v6' : 'v4')

/** The local address from which an address is connected to; undefined if the system chooses. */
export function bindFor({ bind }: Terms, address: string): string | undefined {
  return bind?.[familyOf(address)]
}

/** Why an address is not connected to on these terms; undefined if it is. */
export function whyPassedOver({ family, bind }: Terms, address: string): string | undefined {
  const own = familyOf(address)
  if (family !== 'any' && family !== own) return `family = ${family}`
  return bind !== undefined && bind[own] === undefined ? `bind = ${formatBind(bind)}` : undefined
}

/** As the file has it. */
export const formatBind = ({ v4, v6 }: Bind): string =>
  [v4, v6].filter((address) => address !== undefined).join(', ')

/** One address of each family at most; undefined for anything else. */
export function parseBind(text: string): Bind | undefined {
  const addresses = text.split(',').map((part) => part.trim())
  if (addresses.some((address) => isIP(address) === 0)) return undefined
  const families = addresses.map((address) => [familyOf(address), address] as const)
  const bind: Bind = Object.fromEntries(families)
  return Object.keys(bind).length === addresses.length ? bind : undefined
}
