import { isIP } from 'node:net'
import type { Resolver } from '../dns/resolver'
import type { MailResolver } from '../dns/types'
import type { AddressAnswer, InetPrefer } from '../model/dns-answer'
import type { Decision, NoRoute } from '../model/decision'
import type { Exchange } from '../model/exchange'

/** An exchange and what was found of its addresses. */
export interface Located {
  readonly exchange: Exchange
  readonly answer: AddressAnswer
}

/** A decision carried through to addresses: what will be connected to, or why nothing will. */
export interface Route {
  readonly outcome: Decision['outcome']
  /** Every exchange of the decision, in its order, with its addresses or why there are none. */
  readonly located: readonly Located[]
  /** For `bounce` and `defer`: why. */
  readonly noRoute?: NoRoute
}

function literal(address: string): AddressAnswer {
  return { kind: 'addresses', addresses: [address], how: 'fresh', server: 'literal', ttl: 0 }
}

/** A resolver that can say without waiting what it remembers. */
export type Remembering = Pick<Resolver, 'peekAddresses'>

/** As {@link locate}, from what is known already; undefined if something has to be asked for. */
export function locateNow(
  exchange: Exchange,
  resolver: Remembering,
  prefer: InetPrefer,
): AddressAnswer | undefined {
  if (isIP(exchange.endpoint.host) !== 0) return literal(exchange.endpoint.host)
  const known = resolver.peekAddresses(exchange.endpoint.host, prefer)
  // What DNS has not, the system may have, for a server that the operator wrote down.
  return exchange.origin.kind === 'dns' || known?.kind === 'addresses' ? known : undefined
}

/**
 * The addresses of one exchange. An IP address is its own; a host from DNS is looked up in DNS; a host that the operator wrote
 * down may be in the hosts file as well. Never rejects.
 */
export async function locate(
  exchange: Exchange,
  resolver: MailResolver,
  prefer: InetPrefer,
): Promise<AddressAnswer> {
  if (isIP(exchange.endpoint.host) !== 0) return literal(exchange.endpoint.host)
  return exchange.origin.kind === 'dns'
    ? resolver.addresses(exchange.endpoint.host, prefer)
    : resolver.relayAddresses(exchange.endpoint.host, prefer)
}

/** No MX record but perhaps an address: the domain is its own exchange (RFC 5321 section 5.1). */
function isImplicitMx(exchange: Exchange, decision: Decision): boolean {
  return (
    exchange.origin.kind === 'dns' &&
    exchange.endpoint.host === decision.domain &&
    decision.mx?.kind === 'nodata'
  )
}

/**
 * What follows from the addresses. One address is enough to deliver. A domain that has neither MX nor address bounces; all else
 * is put off: a lookup that failed proves nothing, an MX host without address may get one (stock Haraka: "Tried all MXs"), and
 * a relay's fault is never the recipient's.
 */
export function verdict(decision: Decision, located: readonly Located[]): Pick<Route, 'outcome' | 'noRoute'> {
  if (decision.outcome !== 'deliver') {
    return decision.noRoute === undefined
      ? { outcome: decision.outcome }
      : { outcome: decision.outcome, noRoute: decision.noRoute }
  }
  if (located.some(({ answer }) => answer.kind === 'addresses')) return { outcome: 'deliver' }
  const failed = located.flatMap(({ exchange, answer }) =>
    answer.kind === 'failed' ? [`${exchange.endpoint.host}: ${answer.error.message}`] : [],
  )
  if (failed.length > 0) {
    const message = `addresses could not be looked up (${failed.join('; ')})`
    return { outcome: 'defer', noRoute: { kind: 'dns-failure', message } }
  }
  if (located.length > 0 && located.every(({ exchange }) => isImplicitMx(exchange, decision))) {
    const message = `${decision.domain} has neither MX nor address`
    return { outcome: 'bounce', noRoute: { kind: 'nodata', message } }
  }
  const hosts = located.map(({ exchange }) => exchange.endpoint.host)
  const message = hosts.length === 0 ? 'no exchange is left' : `no address for ${hosts.join(', ')}`
  return { outcome: 'defer', noRoute: { kind: 'no-address', message } }
}

/**
 * Looks up the addresses of every exchange of a decision, all at once, and says what follows. Used by the command line and by
 * the plugin, so that both come to the same end; the plugin may call {@link locate} and {@link verdict} by themselves where
 * exchanges are changed or left out in between. Never rejects.
 */
export async function route(decision: Decision, resolver: MailResolver, prefer: InetPrefer): Promise<Route> {
  if (decision.outcome !== 'deliver') return { ...verdict(decision, []), located: [] }
  const located = await Promise.all(
    decision.exchanges.map(async (exchange) => ({
      exchange,
      answer: await locate(exchange, resolver, prefer),
    })),
  )
  return { ...verdict(decision, located), located }
}
