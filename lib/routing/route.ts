import type { MailResolver } from '../dns/types'
import type { AddressAnswer, InetPrefer } from '../model/dns-answer'
import type { Decision, NoRoute } from '../model/decision'
import type { Exchange } from '../model/exchange'

/** An exchange and its addresses, or why there are none. */
export interface Located {
  readonly exchange: Exchange
  readonly answer: AddressAnswer
}

/** A decision with its addresses: what will be connected to, or why nothing will. */
export interface Route {
  readonly outcome: Decision['outcome']
  /** Every exchange of the decision, in its order, with its addresses or why there are none. */
  readonly located: readonly Located[]
  /** For `bounce` and `defer`: why. */
  readonly noRoute?: NoRoute
}

/**
 * The addresses of one exchange. An IP address is itself; a host from DNS is looked up in DNS; a host of the configuration may also be in
 * the hosts file. Remembered addresses are returned at once, without a promise. Never rejects.
 */
function locate(
  { endpoint, origin }: Exchange,
  resolver: MailResolver,
  prefer: InetPrefer,
): AddressAnswer | Promise<AddressAnswer> {
  const { host } = endpoint
  return origin.kind === 'dns' ? resolver.addresses(host, prefer) : resolver.relayAddresses(host, prefer)
}

/**
 * The addresses of several exchanges, looked up all at once. If all are remembered there is no promise: most of a million messages a
 * day go to such domains. Never rejects.
 */
export function locateAll(
  exchanges: readonly Exchange[],
  resolver: MailResolver,
  prefer: InetPrefer,
): readonly Located[] | Promise<readonly Located[]> {
  const answers = exchanges.map((exchange) => locate(exchange, resolver, prefer))
  const pair = (known: readonly AddressAnswer[]) =>
    exchanges.map((exchange, index) => ({ exchange, answer: known[index]! }))
  return areKnown(answers) ? pair(answers) : Promise.all(answers).then(pair)
}

function areKnown(
  answers: readonly (AddressAnswer | Promise<AddressAnswer>)[],
): answers is readonly AddressAnswer[] {
  return answers.every((answer) => !(answer instanceof Promise))
}

/** Is the domain its own exchange, because it has no MX record (RFC 5321 section 5.1)? */
function isImplicitMx(exchange: Exchange, decision: Decision): boolean {
  return (
    exchange.origin.kind === 'dns' &&
    exchange.endpoint.host === decision.domain &&
    decision.mx?.kind === 'nodata'
  )
}

/** Is it proven that the domain has neither MX nor address? */
function isProvenEmpty({ mx }: Decision, located: readonly Located[]): boolean {
  return (
    mx?.kind === 'nodata' &&
    mx.proven &&
    located.every(({ answer }) => answer.kind === 'none' && answer.proven)
  )
}

/**
 * The outcome that follows from the addresses. One address is enough to deliver. Mail bounces if it is proven that the domain has neither
 * MX nor address. All else is deferred: a failed lookup proves nothing, an MX host without an address may get one (stock Haraka: "Tried
 * all MXs"), and the recipient is not to blame for a relay.
 */
export function concludeRoute(
  decision: Decision,
  located: readonly Located[],
): Pick<Route, 'outcome' | 'noRoute'> {
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
    return isProvenEmpty(decision, located)
      ? { outcome: 'bounce', noRoute: { kind: 'nodata', message } }
      : { outcome: 'defer', noRoute: { kind: 'no-address', message: `${message}, as far as DNS says` } }
  }
  const hosts = located.map(({ exchange }) => exchange.endpoint.host)
  const message = hosts.length === 0 ? 'no exchange is left' : `no address for ${hosts.join(', ')}`
  return { outcome: 'defer', noRoute: { kind: 'no-address', message } }
}

/**
 * Finds the addresses of every exchange of a decision, and the outcome. The plugin calls {@link locateAll} and {@link concludeRoute}
 * itself, because it may change or leave out exchanges in between. Never rejects.
 */
export async function route(decision: Decision, resolver: MailResolver, prefer: InetPrefer): Promise<Route> {
  if (decision.outcome !== 'deliver') return { ...concludeRoute(decision, []), located: [] }
  const located = await locateAll(decision.exchanges, resolver, prefer)
  return { ...concludeRoute(decision, located), located }
}
