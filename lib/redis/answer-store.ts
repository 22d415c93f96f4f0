import type { AnswerStore, KeptText } from '../dns/shared-answers'
import { ANSWER_PREFIX, ANSWERS_KEY, FIND, KEEP, LONGEST_MS } from './answers-scripts'
import type { RedisConnection } from './connection'
import { hashName } from './keys'

export interface RedisAnswerStoreOptions {
  readonly connection: RedisConnection
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
}

/** Time from an answer until it is written, together with all later ones. Milliseconds. */
const PAUSE_MS = 20
/** The most answers of one command, during which Redis serves nobody else. */
const MOST_FOUND = 50
const MOST_KEPT = 50
/** The most answers that wait to be written, even while Redis is gone. Further ones are not written. */
const MOST_WAITING = 1_000

interface Search {
  readonly key: string
  readonly done: (found: KeptText | undefined) => void
}

interface Waiting {
  readonly text: string
  /** By the monotonic clock. */
  readonly endsAt: number
  readonly replaces: boolean
}

/**
 * Answers of DNS in Redis. Each has a key of its own, named by a hash, which expires with the answer. All questions of one turn
 * of the event loop go in one command, for which nobody waits longer than 100 ms. Answers are written in the background.
 */
export class RedisAnswerStore implements AnswerStore {
  readonly #options: RedisAnswerStoreOptions
  #searches: Search[] = []
  readonly #waiting = new Map<string, Waiting>()
  #isWriting = false

  constructor(options: RedisAnswerStoreOptions) {
    this.#options = options
    options.connection.onReady(() => void this.#writeAll())
  }

  find(key: string): Promise<KeptText | undefined> | undefined {
    if (!this.#options.connection.isReady) return undefined
    return new Promise((done) => {
      if (this.#searches.length === 0) queueMicrotask(() => this.#searchAll())
      this.#searches.push({ key: keyOf(key), done })
    })
  }

  keep(key: string, { text, leftMs }: KeptText, replaces: boolean): void {
    if (this.#waiting.size >= MOST_WAITING) return
    const now = this.#options.monotonic()
    // It may wait for long: while Redis is gone.
    const waiting = this.#waiting.get(keyOf(key))
    if (!replaces && waiting !== undefined && waiting.replaces && waiting.endsAt > now) return
    const endsAt = now + Math.min(leftMs, LONGEST_MS)
    if (this.#waiting.size === 0) setTimeout(() => void this.#writeAll(), PAUSE_MS).unref()
    this.#waiting.set(keyOf(key), { text, endsAt, replaces })
  }

  #searchAll(): void {
    const searches = this.#searches
    this.#searches = []
    for (let at = 0; at < searches.length; at += MOST_FOUND)
      void this.#search(searches.slice(at, at + MOST_FOUND))
  }

  async #search(searches: readonly Search[]): Promise<void> {
    const found = await this.#ask(searches.map(({ key }) => key))
    for (const [index, { done }] of searches.entries()) done(found[index])
  }

  async #ask(keys: readonly string[]): Promise<readonly (KeptText | undefined)[]> {
    try {
      return readFound(await this.#options.connection.run(FIND, keys, []), keys.length)
    } catch {
      // The connection has logged it, and DNS knows the answer.
      return []
    }
  }

  /** Answers that cannot be written now wait until Redis is back. */
  async #writeAll(): Promise<void> {
    if (this.#isWriting) return
    this.#isWriting = true
    while (this.#waiting.size > 0 && this.#options.connection.isReady) {
      const answers = [...this.#waiting].slice(0, MOST_KEPT)
      for (const [key] of answers) this.#waiting.delete(key)
      await this.#write(answers)
    }
    this.#isWriting = false
  }

  async #write(answers: readonly (readonly [string, Waiting])[]): Promise<void> {
    const { connection, monotonic } = this.#options
    const now = monotonic()
    const live = answers.filter(([, { endsAt }]) => endsAt - now >= 1)
    if (live.length === 0) return
    const keys = live.map(([key]) => key)
    const values = live.flatMap(([, { text, endsAt, replaces }]) => [
      text,
      String(Math.floor(endsAt - now)),
      replaces ? 'replace' : 'add',
    ])
    try {
      await connection.run(KEEP, [ANSWERS_KEY, ...keys], values)
    } catch {
      // The next process that needs them asks DNS.
    }
  }
}

const keyOf = (key: string) => `${ANSWER_PREFIX}${hashName(key)}`

function readFound(reply: unknown, count: number): (KeptText | undefined)[] {
  if (!Array.isArray(reply) || reply[0] !== 'answers' || reply.length !== 1 + 2 * count) return []
  return Array.from({ length: count }, (_, index) => {
    const [text, leftMs] = reply.slice(1 + 2 * index, 3 + 2 * index) as unknown[]
    return typeof text === 'string' && text !== '' && Number.isSafeInteger(leftMs)
      ? { text, leftMs: Number(leftMs) }
      : undefined
  })
}
