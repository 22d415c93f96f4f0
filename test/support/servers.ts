import { DEFAULT_PRIORITY, exchangeOf, type Exchange, type Origin } from '../../lib/model/exchange'
import { SMTP_PORT } from '../../lib/model/endpoint'
import type { Credentials, Relay } from '../../lib/model/relay'
import { DEFAULT_DIRECT, RELAY_TERMS, type Terms } from '../../lib/model/terms'

/** A relay, by its endpoint and whatever else is not the default. */
export type RelayFields = Partial<Terms> &
  Partial<Omit<Relay, 'endpoint' | 'terms'>> & { readonly host: string; readonly port?: number }

const TERMS = [
  'tls',
  'lmtp',
  'family',
  'nextMx',
  'bind',
  'bindHelo',
  'retryAfterMs',
  'maxConnections',
  'maxPerHour',
] as const satisfies readonly (keyof Terms)[]

/** A relay with the defaults of an inline target. */
export function relayOf({ host, port = SMTP_PORT, ...fields }: RelayFields): Relay {
  const isTerm = ([key]: [string, unknown]) => TERMS.some((term) => term === key)
  const entries = Object.entries(fields)
  return {
    endpoint: { host, port },
    terms: { ...RELAY_TERMS, ...Object.fromEntries(entries.filter(isTerm)) },
    implicitTls: false,
    allowPlaintextAuth: false,
    ...Object.fromEntries(entries.filter((entry) => !isTerm(entry))),
  }
}

/** The exchange that such a relay is in a decision. */
export function relayExchange(
  fields: RelayFields,
  priority: number = fields.priority ?? DEFAULT_PRIORITY,
  origin: Origin = { kind: 'line', line: 1 },
): Exchange {
  return exchangeOf(relayOf(fields), origin, priority)
}

/** An exchange from DNS. */
export function mxExchange(host: string, priority = DEFAULT_PRIORITY, port = SMTP_PORT): Exchange {
  return { endpoint: { host, port }, priority, origin: { kind: 'dns' }, terms: DEFAULT_DIRECT.terms }
}

/** An exchange from DNS on the terms of `[direct:NAME]`; without a name on those of `[direct]`. */
export function termsExchange(
  name: string | undefined,
  host: string,
  terms: Partial<Terms> = {},
  port = SMTP_PORT,
): Exchange {
  return {
    endpoint: { host, port },
    priority: DEFAULT_PRIORITY,
    origin: { kind: 'dns', line: 1, ...(name === undefined ? {} : { name }) },
    terms: { ...DEFAULT_DIRECT.terms, ...terms },
  }
}

/** The password in clear, if the server has one. */
export const passwordOf = (credentials: Credentials | undefined): string | undefined =>
  credentials !== undefined && 'password' in credentials ? credentials.password.reveal() : undefined

/** For relays that take no token. */
export const noTokens = { look: () => undefined, accept: () => {}, refuse: () => false }
