import { parseEndpoint, SMTP_PORT, type Endpoint } from '../model/endpoint'
import { localAddresses as addressesOfInterfaces, ownEndpointTest } from '../routing/own-server'
import type { HarakaPlugin } from './types'

/** What Haraka's `server.js` says of its listeners. A tool such as `haraka -o` has no `cfg`. */
interface HarakaServer {
  readonly cfg?: { readonly main?: object }
  /** `host:port`, IPv6 addresses in brackets; from `smtp.ini` `listen`, `port` and `listen_host`. */
  get_listen_addrs?(main: object): readonly string[]
}

export interface OwnListenersOptions {
  /** `host:port`, IPv6 addresses in brackets. */
  readonly listen: readonly string[]
  /** Addresses of this machine. */
  readonly localAddresses?: () => readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Addresses of this machine are asked for so often at most, milliseconds. */
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
    this.#listens = options.listen.flatMap((text) => {
      const reading = parseEndpoint(text)
      return reading.ok ? [{ host: reading.host, port: reading.port ?? SMTP_PORT }] : []
    })
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

/**
 * Looks at the server's own settings object: asking haraka-config for `smtp.ini` would take Haraka's reload callback away
 * (haraka-config 1.7 keeps one for each file).
 */
export function readOwnListeners(plugin: HarakaPlugin, now: () => number): OwnListeners {
  const { server } = plugin.haraka_require('plugins') as { server?: HarakaServer }
  const main = server?.cfg?.main
  return new OwnListeners({ listen: (main && server?.get_listen_addrs?.(main)) ?? [], now })
}
