import type { Endpoint } from '../model/endpoint'
import { localAddresses as addressesOfInterfaces, ownEndpointTest } from '../routing/own-server'

export interface OwnListenersOptions {
  /** Where the server takes mail (`smtp.ini` `listen`). */
  readonly listens: readonly Endpoint[]
  /** Addresses of this machine. */
  readonly localAddresses?: () => readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Time until the addresses of this machine are asked for again, milliseconds. */
const ADDRESSES_AGE_MS = 10_000

/**
 * Where this server itself takes mail. Mail that is sent there comes back, some 50 times, until a limit of Received lines ends it.
 * Behind address translation it cannot be known.
 */
export class OwnListeners {
  readonly #listens: readonly Endpoint[]
  readonly #options: OwnListenersOptions
  #isOwn: (endpoint: Endpoint) => boolean = () => false
  #askedAt = -Infinity

  constructor(options: OwnListenersOptions) {
    this.#options = options
    this.#listens = options.listens
  }

  /** Does this server listen at this address (an IP) and port? */
  includes(endpoint: Endpoint): boolean {
    if (!this.#listens.some(({ port }) => port === endpoint.port)) return false
    const { now, localAddresses = addressesOfInterfaces } = this.#options
    if (Math.abs(now() - this.#askedAt) > ADDRESSES_AGE_MS) {
      this.#isOwn = ownEndpointTest({ listens: this.#listens, addresses: localAddresses() })
      this.#askedAt = now()
    }
    return this.#isOwn(endpoint)
  }
}
