import type { OutboundSettings } from '../../haraka-files/outbound-ini'
import type { Configuration } from '../../routing/configuration'
import type { MailResolver } from '../../dns/types'
import type { AddressAnswer, MxAnswer } from '../../model/dns-answer'
import { route, concludeRoute, type Route } from '../../routing/route'
import type { Decision } from '../../model/decision'

/** What a command asks DNS, or an MX answer that was given on the command line. */
export interface Lookup {
  /** Never rejects. */
  readonly mx: (domain: string) => Promise<MxAnswer>
  /** Absent if the MX answer was given: NXDOMAIN then means that the domain does not exist. Never rejects. */
  readonly addresses?: (domain: string) => Promise<AddressAnswer>
  /** What follows from the addresses of a decision's exchanges. Never rejects. */
  readonly route: (decision: Decision) => Promise<Route>
  readonly close: () => void
}

/** The decision unchanged: every exchange is assumed to have an address. */
function withoutAddresses(decision: Decision): Route {
  return decision.outcome === 'deliver'
    ? { outcome: 'deliver', located: [] }
    : { ...concludeRoute(decision, []), located: [] }
}

/** Nothing is looked up: the MX is as given. */
export function useGivenMx(mx: (domain: string) => MxAnswer): Lookup {
  return {
    mx: async (domain) => mx(domain),
    route: async (decision) => withoutAddresses(decision),
    close: () => undefined,
  }
}

/** Asks once for each name, so that a command shows one moment even if the configuration has no cache. */
function rememberAnswers<A extends string[], R>(
  ask: (...args: A) => R | Promise<R>,
): (...args: A) => R | Promise<R> {
  const known = new Map<string, R | Promise<R>>()
  return (...args) => {
    const key = args.join(' ')
    const answer = known.get(key) ?? ask(...args)
    known.set(key, answer)
    return answer
  }
}

/**
 * The resolver of the plugin, with the settings of the file. Close it when done.
 *
 * @param warn is called with warnings of the resolver, such as a server that does not answer
 */
export function openResolver(
  configuration: Configuration,
  warn: (message: string) => void,
): MailResolver & { close: () => void } {
  const { createResolver } = require('../../dns/resolver') as typeof import('../../dns/resolver')
  const { dnsServers, dnsZones, dnsCacheSize, dns } = configuration.settings
  const resolver = createResolver({
    servers: dnsServers,
    zones: dnsZones,
    cacheSize: dnsCacheSize,
    tuning: dns,
    log: (level, message) => {
      if (level === 'warn') warn(message)
    },
  })
  return {
    mx: rememberAnswers((domain) => resolver.mx(domain)),
    addresses: rememberAnswers((host, prefer) => resolver.addresses(host, prefer)),
    relayAddresses: rememberAnswers((host, prefer) => resolver.relayAddresses(host, prefer)),
    close: () => resolver.close(),
  }
}

/**
 * Asks DNS what the decision depends on, with the settings of the file. Addresses are looked up only if all exchanges are from DNS:
 * whether there is one then makes the difference between delivery, bounce and deferral. A server in the configuration
 * is used whatever its addresses (`probe` checks those). Close it when done.
 */
export function openLookup(
  configuration: Configuration,
  outbound: OutboundSettings,
  warn: (message: string) => void,
): Lookup {
  const resolver = openResolver(configuration, warn)
  return {
    mx: async (domain) => resolver.mx(domain),
    addresses: async (domain) => resolver.addresses(domain, outbound.inetPrefer),
    route: async (decision) =>
      decision.exchanges.some(({ origin }) => origin.kind !== 'dns')
        ? withoutAddresses(decision)
        : route(decision, resolver, outbound.inetPrefer),
    close: resolver.close,
  }
}
