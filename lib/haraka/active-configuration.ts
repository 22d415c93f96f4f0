import { isDeepStrictEqual } from 'node:util'
import type { Configuration } from '../routing/configuration'
import type { Resolver } from '../dns/resolver'

/** What one message works with, from beginning to end. */
export interface Basis {
  readonly configuration: Configuration
  readonly resolver: Resolver
}

/** A resolver and the messages that are using it. */
interface Shared {
  readonly resolver: Resolver
  users: number
  retired: boolean
}

function closeIfUnused(shared: Shared): void {
  if (shared.retired && shared.users === 0) shared.resolver.close()
}

/** Do both mean the same resolver? Then its cache is still good. */
function hasSameDns({ settings: a }: Configuration, { settings: b }: Configuration): boolean {
  return isDeepStrictEqual(
    [a.dnsServers, a.dnsCacheSize, a.dns, a.dnsZones],
    [b.dnsServers, b.dnsCacheSize, b.dns, b.dnsZones],
  )
}

/**
 * The configuration in force and the resolver that belongs to it. Both change together and between messages: a message sees
 * the old ones or the new ones. A resolver outlives a change that does not touch DNS; else it is closed when the last message
 * that uses it is done.
 */
export class ActiveConfiguration {
  readonly #createResolver: (configuration: Configuration) => Resolver
  #configuration: Configuration | undefined
  #shared: Shared | undefined

  constructor(createResolver: (configuration: Configuration) => Resolver) {
    this.#createResolver = createResolver
  }

  /** undefined until there is a configuration without errors. */
  get configuration(): Configuration | undefined {
    return this.#configuration
  }

  /** The resolver of {@link configuration}, to look at. */
  get resolver(): Resolver | undefined {
    return this.#shared?.resolver
  }

  set(configuration: Configuration): void {
    const before = this.#configuration
    if (this.#shared === undefined || before === undefined || !hasSameDns(before, configuration)) {
      this.#retire()
      this.#shared = { resolver: this.#createResolver(configuration), users: 0, retired: false }
    }
    this.#configuration = configuration
  }

  /** Runs the work with what is in force now. @throws Error while nothing is */
  use<T>(work: (basis: Basis) => T | Promise<T>): T | Promise<T> {
    const shared = this.#shared
    const configuration = this.#configuration
    if (shared === undefined || configuration === undefined) throw new Error('there are no rules in force')
    const leave = () => {
      shared.users--
      closeIfUnused(shared)
    }
    let isPending = false
    shared.users++
    try {
      const result = work({ configuration, resolver: shared.resolver })
      if (!(result instanceof Promise)) return result
      isPending = true
      return result.finally(leave)
    } finally {
      if (!isPending) leave()
    }
  }

  #retire(): void {
    if (this.#shared === undefined) return
    this.#shared.retired = true
    closeIfUnused(this.#shared)
  }
}
