import { networkInterfaces } from 'node:os'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { Endpoint } from '../model/endpoint'
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
const ADDRESSES_AGE = 10_000
const LISTEN = /^\[?([^[\]]*?)\]?:(\d+)$/
const ANY = new Set(['', '*', '0', '0.0.0.0', '::', '::0'])

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
// Connecting to the unspecified address reaches this machine.
LOOPBACK.addAddress('0.0.0.0', 'ipv4')
LOOPBACK.addAddress('::', 'ipv6')
LOOPBACK.addAddress('::1', 'ipv6')

/** An address in one form: IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) as IPv4. */
function unmap(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address.toLowerCase()
}

const isLoopback = (address: string) =>
  isIP(address) !== 0 && LOOPBACK.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')

/**
 * Where this server itself takes mail. Mail that is sent there comes back, some 50 times, until a limit of Received lines ends it.
 * Behind address translation it cannot be known.
 */
export class OwnListeners {
  readonly #listeners: readonly Endpoint[]
  readonly #options: OwnListenersOptions
  #addresses: ReadonlySet<string> = new Set()
  #askedAt = -Infinity

  constructor(options: OwnListenersOptions) {
    this.#options = options
    this.#listeners = options.listen.flatMap((text) => {
      const [, host, port] = LISTEN.exec(text) ?? []
      return host === undefined ? [] : [{ host: unmap(host), port: Number(port) }]
    })
  }

  /** Does this server listen at this address (an IP) and port? */
  includes({ host, port }: Endpoint): boolean {
    const address = unmap(host)
    return this.#listeners.some((listener) => {
      if (listener.port !== port) return false
      if (ANY.has(listener.host)) return isLoopback(address) || this.#isLocal(address)
      if (listener.host === 'localhost') return isLoopback(address)
      return listener.host === address
    })
  }

  #isLocal(address: string): boolean {
    const { now, localAddresses = interfaceAddresses } = this.#options
    if (Math.abs(now() - this.#askedAt) > ADDRESSES_AGE) {
      this.#addresses = new Set(localAddresses())
      this.#askedAt = now()
    }
    return this.#addresses.has(address)
  }
}

const interfaceAddresses = () =>
  Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address.toLowerCase()) ?? [])

/**
 * Looks at the server's own settings object: asking haraka-config for `smtp.ini` would take Haraka's reload callback away
 * (haraka-config 1.7 keeps one for each file).
 */
export function readOwnListeners(plugin: HarakaPlugin, now: () => number): OwnListeners {
  const { server } = plugin.haraka_require('plugins') as { server?: HarakaServer }
  const main = server?.cfg?.main
  return new OwnListeners({ listen: (main && server?.get_listen_addrs?.(main)) ?? [], now })
}
