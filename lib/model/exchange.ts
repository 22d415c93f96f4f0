import { formatEndpoint, type Endpoint } from './endpoint'
import type { Relay } from './relay'
import type { Terms } from './terms'

/** What put an exchange into a decision. */
export type Origin =
  /** An override line. */
  | { readonly kind: 'line'; readonly line: number }
  /** A relay of section `[attempts]`. */
  | { readonly kind: 'attempts' }
  /** The domain's own MX or address; `line` and `name` of a line with terms, `@NAME` of a section `[direct:NAME]`. */
  | { readonly kind: 'dns'; readonly line?: number; readonly name?: string }

/** A server in a decision. */
export interface Exchange {
  /** The relay's own object, by reference, unless a plugin has changed it for this message. */
  readonly endpoint: Endpoint
  /** Lower is tried first. */
  readonly priority: number
  readonly origin: Origin
  /** As `endpoint`. Of an exchange from DNS: those of `[direct]` or `[direct:NAME]`, by reference. */
  readonly terms: Terms
  /** The operator's server that this is; absent for an exchange from DNS. */
  readonly relay?: Relay
}

/** The priority of a target for which none is written. */
export const DEFAULT_PRIORITY = 10
/** The highest priority, that is the last to be tried: 16 bits, as in an MX record. */
export const LAST_PRIORITY = 65_535

/** Is this a priority as MX records have it (16 bits, RFC 1035 section 3.3.9)? */
export const isPriority = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LAST_PRIORITY

/** The priority that a text of digits names, or undefined. */
export function parsePriority(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && isPriority(Number(text)) ? Number(text) : undefined
}

/** What identifies a server: where it is and as whom we speak to it. */
export type Server = Pick<Exchange, 'endpoint' | 'relay'>

/** `[user@]host:port`: what tells one server from another, for a breaker or a duplicate. Holds no secret. */
export function exchangeKey({ endpoint, relay }: Server): string {
  const user = relay?.credentials?.user
  return user === undefined ? formatEndpoint(endpoint) : `${user}@${formatEndpoint(endpoint)}`
}

/** Are both the same server, used as the same user? As comparing their keys, which costs more. */
export function sameServer(a: Server, b: Server): boolean {
  return (
    a.endpoint.host === b.endpoint.host &&
    a.endpoint.port === b.endpoint.port &&
    a.relay?.credentials?.user === b.relay?.credentials?.user
  )
}

/** The key of a server that the operator wrote down, see {@link exchangeKey}. */
export const relayKey = (relay: Relay): string => exchangeKey({ endpoint: relay.endpoint, relay })

/** How a log line or a message calls a server: `relay NAME`, or its key. */
export function exchangeLabel(server: Server): string {
  return server.relay?.name === undefined ? exchangeKey(server) : `relay ${server.relay.name}`
}

/** The NAME of the section that an exchange is of, `[relay:NAME]` or `[direct:NAME]`; undefined if it has none. */
export function sectionName({ relay, origin }: Pick<Exchange, 'relay' | 'origin'>): string | undefined {
  return relay?.name ?? (origin.kind === 'dns' ? origin.name : undefined)
}

/** The exchange that an operator's server is in a decision. */
export function exchangeOf(
  relay: Relay,
  origin: Origin,
  priority: number = relay.priority ?? DEFAULT_PRIORITY,
): Exchange {
  return { endpoint: relay.endpoint, priority, origin, terms: relay.terms, relay }
}
