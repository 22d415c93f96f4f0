import { createHash } from 'node:crypto'
import type { ServerStats } from './stats'
import type { ServerAddress, ZoneServers } from './types'
import { Upstreams, type UpstreamsOptions } from './upstreams'

export interface ServerSetsOptions extends Omit<UpstreamsOptions, 'serves'> {
  /** For all names that are in no zone. */
  readonly servers: readonly ServerAddress[]
  /** Each domain once. */
  readonly zones: readonly ZoneServers[]
  /** The name of this machine: a server on loopback is another one on each machine. */
  readonly machine?: string
}

/** Addresses of the machine itself. The unspecified ones lead there too. */
const LOOPBACK = /^(?:127\.|0\.0\.0\.0$|::1?$)/

/**
 * Which servers are asked for a name: those of the smallest zone that the name is in, else the general ones. A server is trusted
 * only about the names of its own zone: if a CNAME leads to a name of another zone, the servers of that zone are asked.
 */
export class ServerSets {
  readonly #general: Upstreams
  readonly #zones = new Map<string, Upstreams>()
  readonly #machine: string
  /** The fingerprint, and the general servers of which it was made: those of the zones never change. */
  #known: { readonly keys: readonly string[]; readonly fingerprint: string } | undefined

  constructor({ servers, zones, changedServers, machine = '', ...options }: ServerSetsOptions) {
    this.#machine = machine
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

  /**
   * Equal for all processes that ask the same servers, for the same zones and in the same order. A server on loopback is another one
   * on each machine.
   */
  get fingerprint(): string {
    const { keys } = this.#general
    if (this.#known?.keys !== keys) this.#known = { keys, fingerprint: this.#makeFingerprint() }
    return this.#known.fingerprint
  }

  #makeFingerprint(): string {
    const sets = [['', this.#general] as const, ...this.#zones]
    const isLocal = sets.some(([, { addresses }]) => addresses.some((address) => LOOPBACK.test(address)))
    const parts = [isLocal ? this.#machine : '', ...sets.map(([zone, { keys }]) => [zone, ...keys])]
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
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
