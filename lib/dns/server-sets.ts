import type { ServerStats } from './stats'
import type { ServerAddress, ZoneServers } from './types'
import { Upstreams, type UpstreamsOptions } from './upstreams'

export interface ServerSetsOptions extends Omit<UpstreamsOptions, 'serves'> {
  /** For all names that no zone has. */
  readonly servers: readonly ServerAddress[]
  /** Each domain once. */
  readonly zones: readonly ZoneServers[]
}

/**
 * Which servers are asked for a name: those of the smallest zone that the name is in, else the general ones. A server is believed
 * about the names of its own zone only: where it leads on to a name of another (CNAME), that zone's servers are asked.
 */
export class ServerSets {
  readonly #general: Upstreams
  readonly #zones = new Map<string, Upstreams>()

  constructor({ servers, zones, changedServers, ...options }: ServerSetsOptions) {
    const serves = (upstreams: () => Upstreams) =>
      // Without zones there is nothing to compare.
      zones.length === 0 ? {} : { serves: (name: string) => this.of(name) === upstreams() }
    this.#general = new Upstreams({
      ...options,
      ...serves(() => this.#general),
      ...(changedServers === undefined ? {} : { changedServers }),
    })
    this.#general.setServers(servers)
    for (const zone of zones) {
      const upstreams: Upstreams = new Upstreams({ ...options, ...serves(() => upstreams) })
      upstreams.setServers(zone.servers)
      this.#zones.set(zone.domain, upstreams)
    }
  }

  /** The servers for a name in lower case A-labels. */
  of(name: string): Upstreams {
    if (this.#zones.size === 0) return this.#general
    for (let start = 0; ;) {
      const upstreams = this.#zones.get(name.slice(start))
      if (upstreams !== undefined) return upstreams
      const dot = name.indexOf('.', start)
      if (dot === -1) return this.#general
      start = dot + 1
    }
  }

  stats(): ServerStats[] {
    const zones = [...this.#zones].flatMap(([zone, upstreams]) =>
      upstreams.stats().map((stats) => ({ ...stats, zone })),
    )
    return [...this.#general.stats(), ...zones]
  }

  close(): void {
    this.#general.close()
    for (const upstreams of this.#zones.values()) upstreams.close()
  }
}
