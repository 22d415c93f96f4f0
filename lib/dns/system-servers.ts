import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseEndpoint } from '../model/endpoint'
import type { ServerAddress } from './types'

/** How often the file is checked. */
const LOOK_EVERY_MS = 2_000

/** The name servers of a resolv.conf(5), in its order; if it has none, the server on this machine. */
function parseResolvConf(text: string): readonly ServerAddress[] {
  const servers = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .map((word) => (word === undefined ? undefined : parseServer(word)))
    .filter((server) => server !== undefined)
  return servers.length > 0 ? servers : [udp('127.0.0.1', 53)]
}

// resolv.conf(5) only knows addresses; c-ares, and so Node, also writes a port.
function parseServer(word: string): ServerAddress | undefined {
  const reading = parseEndpoint(word)
  return reading.ok && isIP(reading.host) !== 0 ? udp(reading.host, reading.port ?? 53) : undefined
}

function udp(address: string, port: number): ServerAddress {
  return { address, port, transport: 'udp' }
}

/**
 * The system's name servers, also when they change. The file is checked when a question comes: a watcher could miss a file that is
 * replaced, and a timer would be one more thing to stop.
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

  /** The servers, if they have changed since the last call; else undefined. A file that cannot be read changes nothing. */
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
