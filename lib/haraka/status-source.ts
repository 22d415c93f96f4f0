import { ownEndpointTest, localAddresses } from '../routing/own-server'
import { route } from '../routing/route'
import type { OverviewSource } from '../status/overview'
import type { ActiveConfiguration } from './active-configuration'
import type { HarakaModules } from './haraka-modules'
import type { ProcessRole } from './process'

/** What the status page is made from in this process. */
export interface StatusSourceParts {
  /** The state folder, or undefined if this process has not got one. */
  readonly folder: string | undefined
  readonly active: ActiveConfiguration
  readonly haraka: HarakaModules
  readonly listens: ProcessRole['listens']
}

/** What the status page looks at: the configuration in force, the state folder, Haraka's queue and DNS. */
export function makeStatusSource({ folder, active, haraka, listens }: StatusSourceParts): OverviewSource {
  return {
    folder,
    configuration: () => active.configuration,
    now: Date.now,
    withLookup: async (work) =>
      active.use(({ configuration, resolver }) => {
        const { inet_prefer: prefer } = haraka.outbound
        return work(configuration, {
          mx: (domain) => resolver.mx(domain),
          addresses: (domain) => resolver.addresses(domain, prefer),
          route: (decision) => route(decision, resolver, prefer),
        })
      }),
    queueFolder: () => haraka.queueFolder,
    isOwn: ownEndpointTest({ listens, addresses: localAddresses() }),
    intervals: () => haraka.outbound.temp_fail_intervals ?? [],
  }
}
