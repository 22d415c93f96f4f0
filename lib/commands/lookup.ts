import type { OutboundSettings } from '../config/retry-intervals'
import type { Configuration } from '../configuration'
import type { MailResolver, MxAnswer } from '../dns/types'
import { route, verdict, type Route } from '../route'
import type { Decision } from '../rules/types'

/** What a command asks of DNS: really, or of an answer that was given on the command line. */
export interface Lookup {
  readonly mx: (domain: string) => Promise<MxAnswer>
  readonly route: (decision: Decision) => Promise<Route>
  readonly close: () => void
}

/** Nothing is looked up: the MX is as given, and every exchange is taken to have an address. */
export function givenLookup(mx: (domain: string) => MxAnswer): Lookup {
  return {
    mx: async (domain) => mx(domain),
    route: async (decision) =>
      decision.outcome === 'deliver'
        ? { outcome: 'deliver', located: [] }
        : { ...verdict(decision, []), located: [] },
    close: () => undefined,
  }
}

/** Asks once for each name: a command looks at one moment, even where the configuration wants no cache. */
function remembered<A extends string[], R>(ask: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  const known = new Map<string, Promise<R>>()
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
  const { createResolver } = require('../dns/resolver') as typeof import('../dns/resolver')
  const { dnsServers, dnsCacheSize, dns } = configuration.settings
  const resolver = createResolver({
    servers: dnsServers,
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

/** Asks DNS as Haraka would, with the settings of the file. Close it when done. */
export function liveLookup(
  configuration: Configuration,
  outbound: OutboundSettings,
  warn: (message: string) => void,
): Lookup {
  const resolver = openResolver(configuration, warn)
  return {
    mx: resolver.mx,
    route: (decision) => route(decision, resolver, outbound.inetPrefer),
    close: resolver.close,
  }
}
