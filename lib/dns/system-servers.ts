import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseEndpoint } from '../model/endpoint'
import type { ServerAddress } from './types'

/** How often the file is looked at. */
const LOOK_EVERY_MS = 2_000

/** The name servers of a resolv.conf(5), in its order; without any, that of the machine itself. */
function parseResolvConf(text: string): readonly ServerAddress[] {
  const servers = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .map((word) => (word === undefined ? undefined : parseServer(word)))
    .filter((server) => server !== undefined)
  return servers.length > 0 ? servers : [udp('127.0.0.1', 53)]
}

// An address alone is what resolv.conf(5) knows; with a port is how c-ares, and so Node, writes it.
function parseServer(word: string): ServerAddress | undefined {
  const reading = parseEndpoint(word)
  return reading.ok && isIP(reading.host) !== 0 ? udp(reading.host, reading.port ?? 53) : undefined
}

function udp(address: string, port: number): ServerAddress {
  return { address, port, transport: 'udp' }
}

/**
 * The system's name servers, followed when they change. The file is looked at when something is asked: a watcher could miss a file
 * that is replaced, and a timer would be one more thing to stop.
 */
export class SystemServers {
  readonly #path: string
  readonly #now: () => number
  #lookAt = -Infinity
  #stamp = ''
  #known = false

  constructor(path: string, now: () => number) {
    this.#path = path
    this.#now = now
  }

  /** The servers if they have changed since the last call; else undefined. A file that cannot be read changes nothing. */
  readIfChanged(): readonly ServerAddress[] | undefined {
    const now = this.#now()
    if (now < this.#lookAt) return undefined
    this.#lookAt = now + LOOK_EVERY_MS
    try {
      const { mtimeMs, ino, size } = statSync(this.#path)
      const stamp = `${mtimeMs} ${ino} ${size}`
      if (stamp === this.#stamp) return undefined
      const servers = parseResolvConf(readFileSync(this.#path, 'utf8'))
      this.#stamp = stamp
      this.#known = true
      return servers
    } catch {
      if (this.#known) return undefined
      this.#known = true
      return parseResolvConf('')
    }
  }
}
