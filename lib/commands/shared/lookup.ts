import type { OutboundSettings } from '../../haraka-files/outbound-ini'
import type { Configuration } from '../../routing/configuration'
import type { MailResolver } from '../../dns/types'
import type { AddressAnswer, MxAnswer } from '../../model/dns-answer'
import { route, verdict, type Route } from '../../routing/route'
import type { Decision } from '../../model/decision'

/** What a command asks of DNS: really, or of an answer that was given on the command line. */
export interface Lookup {
  readonly mx: (domain: string) => Promise<MxAnswer>
  /** Absent where the MX answer is given: then NXDOMAIN says that the domain does not exist. */
  readonly addresses?: (domain: string) => Promise<AddressAnswer>
  readonly route: (decision: Decision) => Promise<Route>
  readonly close: () => void
}

/** The decision as it is: every exchange is taken to have an address. */
function unlocated(decision: Decision): Route {
  return decision.outcome === 'deliver'
    ? { outcome: 'deliver', located: [] }
    : { ...verdict(decision, []), located: [] }
}

/** Nothing is looked up: the MX is as given. */
export function givenLookup(mx: (domain: string) => MxAnswer): Lookup {
  return {
    mx: async (domain) => mx(domain),
    route: async (decision) => unlocated(decision),
    close: () => undefined,
  }
}

/** Asks once for each name: a command looks at one moment, even where the configuration wants no cache. */
function remembered<A extends string[], R>(
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

/** The resolver of the plugin, with the settings of the file. Close it when done. */
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
    mx: remembered((domain) => resolver.mx(domain)),
    addresses: remembered((host, prefer) => resolver.addresses(host, prefer)),
    relayAddresses: remembered((host, prefer) => resolver.relayAddresses(host, prefer)),
    close: () => resolver.close(),
  }
}

/**
 * Asks DNS what the decision hangs on, with the settings of the file. Addresses are looked up only where all exchanges are from
 * DNS: whether there is one decides between delivery, bounce and deferral. A server that the operator wrote down is
 * where the message goes, whatever its addresses (`probe` looks at those). Close it when done.
 */
export function liveLookup(
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
        ? unlocated(decision)
        : route(decision, resolver, outbound.inetPrefer),
    close: resolver.close,
  }
}
