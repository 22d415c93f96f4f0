import { exchangeKey, sectionName, type Exchange } from '../model/exchange'
import { Breaker } from './breaker'
import type { BreakerBook, BreakerSharing } from './breaker-sharing'
import { HourCount } from './hour-count'
import { breakerKey, sectionKey, useKey } from './section'

/** What is known of one server. Terms of direct mail have one record for all their servers together, and one for each that failed. */
export interface ServerRecord {
  /** `[user@]host:port`, or the title of terms. */
  readonly key: string
  name: string | undefined
  /** For a server of direct mail, the title of its terms. */
  readonly terms: string | undefined
  limitKey: string
  readonly breaker: Breaker
  readonly sent: HourCount
  connections: number
}

export interface ServerRecordsOptions {
  /** Milliseconds since the epoch. */
  readonly wall: () => number
  /** The most servers that are remembered. Those that have not been used for the longest time are forgotten. */
  readonly capacity: number
  /** Shares breakers with other processes; absent if they are not shared. */
  readonly sharing?: BreakerSharing | undefined
  /** Called when another process knew something new. `isWell`: that a server works. */
  readonly onAdopt: (isWell: boolean) => void
}

/** The servers that one process has met. */
export class ServerRecords {
  readonly #options: ServerRecordsOptions
  /** In the order of their last use. */
  readonly #records = new Map<string, ServerRecord>()
  /** The last of them: it need not be moved to the end again. With one relay for all mail, that is 6 us a message. */
  #latest: ServerRecord | undefined
  /** Servers of the configuration, by their breaker key. */
  #expected = new Map<string, Exchange>()

  constructor(options: ServerRecordsOptions) {
    this.#options = options
    const { sharing, wall } = options
    const troubleOf = (record: ServerRecord | undefined) => record?.breaker.trouble(wall())
    const book: BreakerBook = {
      trouble: (key) => troubleOf(this.#records.get(key)),
      troubled: () =>
        [...this.#records].filter(([, record]) => troubleOf(record) !== undefined).map(([key]) => key),
      adopt: (key, trouble) => {
        const expected = trouble === undefined ? undefined : this.#expected.get(key)
        const record = this.#records.get(key) ?? (expected && this.server(expected))
        if (record === undefined) return
        record.breaker.adopt(trouble, wall())
        this.#forgetIfWell(key, record)
        options.onAdopt(trouble === undefined)
      },
    }
    sharing?.begin(book)
  }

  [Symbol.iterator](): Iterator<ServerRecord> {
    return this.#records.values()
  }

  /** From now on, trouble that others know of these servers is known here too. They replace the servers from before. */
  expect(exchanges: readonly Exchange[]): void {
    const { sharing } = this.#options
    if (sharing === undefined) return
    const relays = exchanges.filter(({ relay }) => relay !== undefined)
    this.#expected = new Map(relays.map((exchange) => [breakerKey(exchange), exchange]))
    for (const [key, exchange] of this.#expected) {
      if (sharing.hasTrouble(key)) this.server(exchange)
      else sharing.meet(key)
    }
  }

  /** The counts of the server, or of all servers of the same terms. */
  use(exchange: Exchange): ServerRecord {
    const key = useKey(exchange)
    const record = this.#take(key, { key, terms: undefined })
    record.name = sectionName(exchange)
    record.limitKey = sectionKey(exchange)
    return record
  }

  /** The record that has the breaker of the server. */
  server(exchange: Exchange): ServerRecord {
    const key = breakerKey(exchange)
    return key === useKey(exchange)
      ? this.use(exchange)
      : this.#take(key, { key: exchangeKey(exchange), terms: useKey(exchange) })
  }

  /** The breaker of the server; undefined if nothing is known of it. */
  breaker(exchange: Exchange): Breaker | undefined {
    const key = breakerKey(exchange)
    const known = this.#records.get(key)?.breaker
    if (known !== undefined || this.#options.sharing?.hasTrouble(key) !== true) return known
    return this.server(exchange).breaker
  }

  /** The server works. @returns whether that is news */
  noteSuccess(exchange: Exchange): boolean {
    const key = breakerKey(exchange)
    const record = this.#records.get(key)
    if (record === undefined) return false
    const isNews = record.breaker.failures > 0
    record.breaker.noteSuccess()
    this.#forgetIfWell(key, record)
    return isNews
  }

  /** Servers of direct mail are only known if they failed. */
  #forgetIfWell(key: string, { terms, breaker }: ServerRecord): void {
    if (terms !== undefined && breaker.failures === 0) this.#records.delete(key)
  }

  #take(id: string, made: Pick<ServerRecord, 'key' | 'terms'>): ServerRecord {
    const known = this.#records.get(id)
    if (known !== undefined && known === this.#latest) return known
    const record = known ?? {
      ...made,
      name: undefined,
      limitKey: '',
      breaker: new Breaker(),
      sent: new HourCount(),
      connections: 0,
    }
    this.#records.delete(id)
    this.#records.set(id, record)
    this.#latest = record
    if (known === undefined) {
      const trouble = this.#options.sharing?.meet(id)
      if (trouble !== undefined) record.breaker.adopt(trouble, this.#options.wall())
      this.#forget()
    }
    return record
  }

  #forget(): void {
    for (const [key, record] of this.#records) {
      if (this.#records.size <= this.#options.capacity) return
      if (record.connections === 0) this.#records.delete(key)
    }
  }
}
