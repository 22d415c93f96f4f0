import type { RedisConnection } from './connection'
import type { HostIdentity } from './host-identity'
import { readHitsReply, type SharingServer } from './hits-reply'
import { HITS, HITS_KEYS, MOST_LINES, MOST_SENT } from './hits-script'

export interface SharedHitsOptions {
  readonly connection: RedisConnection
  readonly identity: HostIdentity
  /** Processes of this server that send mail. */
  readonly workers: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called after each change of what is known about the others. */
  readonly onChange: () => void
}

/** Hits of one line. */
export interface Hits {
  readonly count: number
  /** The last one, milliseconds since the epoch. */
  readonly last: number
}

const INTERVAL_MS = 3_000
/** The most calls at one go: enough for all lines, though others may have written more. */
const MOST_CALLS = (2 * MOST_LINES) / MOST_SENT
const NO_HITS: Hits = { count: 0, last: 0 }

/**
 * Hits of override lines over the servers that use the same Redis, by the hash of the line with its password masked. What was counted
 * is sent every few seconds. While Redis is gone it is added up, and sent afterwards.
 */
export class SharedHits {
  readonly #options: SharedHitsOptions
  readonly #timer: NodeJS.Timeout
  /** Over all servers, by the last reply of Redis. */
  #totals = new Map<string, Hits>()
  #unsent = new Map<string, Hits>()
  /** Sent, and not yet confirmed: it is sent again under the same number. */
  #sent: ReadonlyMap<string, Hits> = new Map()
  #call = 1
  #epoch = 0
  #version = 0
  #since = 0
  #servers: readonly SharingServer[] = []
  #isBusy = false

  constructor(options: SharedHitsOptions) {
    this.#options = options
    options.connection.onReady(() => void this.#share())
    this.#timer = setInterval(() => void this.#share(), INTERVAL_MS).unref()
  }

  /** Since when hits are counted, milliseconds since the epoch, and the servers that were seen last; undefined before the first answer. */
  get sharing(): { readonly since: number; readonly servers: readonly SharingServer[] } | undefined {
    return this.#epoch === 0 ? undefined : { since: this.#since, servers: this.#servers }
  }

  /** What this server has counted since the last time. */
  add(hits: Readonly<Record<string, Hits>>): void {
    for (const [line, more] of Object.entries(hits)) {
      if (this.#unsent.size >= MOST_LINES && !this.#unsent.has(line)) continue
      this.#unsent.set(line, sumOf(this.#unsent.get(line), more))
    }
  }

  /**
   * The hits over all servers, a line at a time: there may be 100,000. For a line that came before it
   * yields undefined, so that no step is long.
   *
   * @param own what this server has counted: the minimum, in case Redis has lost it
   */
  *totals(own: ReadonlyMap<string, Hits>): Generator<readonly [line: string, hits: Hits] | undefined, void> {
    const maps = [own, this.#totals, this.#sent, this.#unsent]
    for (const [place, map] of maps.entries()) {
      for (const line of map.keys()) {
        const isKnown = maps.slice(0, place).some((earlier) => earlier.has(line))
        yield isKnown ? undefined : [line, this.#totalOf(line, own.get(line))]
      }
    }
  }

  /** The current sum: between two lines Redis may have confirmed what was sent. */
  #totalOf(line: string, own = NO_HITS): Hits {
    const parts = [this.#totals, this.#sent, this.#unsent]
    const { count, last } = parts.reduce<Hits>((sum, part) => sumOf(sum, part.get(line) ?? NO_HITS), NO_HITS)
    return { count: Math.max(own.count, count), last: Math.max(own.last, last) }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #share(): Promise<void> {
    if (this.#isBusy || !this.#options.connection.isReady) return
    this.#isBusy = true
    try {
      for (let calls = 0; calls < MOST_CALLS && (await this.#send()); calls++) continue
    } catch {
      // Sent again under the same number.
    } finally {
      this.#isBusy = false
    }
  }

  /** @returns whether there is more to send or to receive */
  async #send(): Promise<boolean> {
    const { connection, identity, workers, now, onChange } = this.#options
    if (this.#sent.size === 0) {
      this.#sent = new Map([...this.#unsent].slice(0, MOST_SENT))
      for (const line of this.#sent.keys()) this.#unsent.delete(line)
    }
    const at = now()
    const head = [identity.instance, this.#call, workers(), identity.about, this.#epoch, this.#version]
    const lines = [...this.#sent].flatMap(([line, { count, last }]) => [line, count, Math.max(0, at - last)])
    const reply = readHitsReply(await connection.run(HITS, HITS_KEYS, [...head, ...lines].map(String)))
    this.#sent = new Map()
    this.#call++
    if (reply.epoch !== this.#epoch) this.#totals = new Map()
    for (const [line, { count, ageMs }] of reply.lines) {
      if (this.#totals.size < 2 * MOST_LINES || this.#totals.has(line)) {
        this.#totals.set(line, { count, last: at - ageMs })
      }
    }
    this.#epoch = reply.epoch
    this.#version = reply.version
    this.#since = at - reply.sinceMs
    this.#servers = reply.servers
    onChange()
    return reply.hasMore || this.#unsent.size >= MOST_SENT
  }
}

const sumOf = (one: Hits | undefined, other: Hits): Hits => ({
  count: (one?.count ?? 0) + other.count,
  last: Math.max(one?.last ?? 0, other.last),
})
