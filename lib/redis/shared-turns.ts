import type { Turns } from '../relays/turns'
import type { RedisConnection } from './connection'
import { PREFIX } from './keys'
import { createScript } from './script'

const DAY_MS = 86_400_000
/** Turns are fetched so long after one was used, with all that were used meanwhile. Milliseconds. */
const PAUSE_MS = 400
const MOST_FETCHED = 1_000
const KEY = `${PREFIX}turns`

/*
 *   KEYS  turns: the number of turns that were given out
 *   ARGV  how many are fetched
 *
 * Returns 'turns' and the first of them.
 */
const TURNS = createScript(
  'turns',
  `
local last = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${DAY_MS})
return {'turns', last - ARGV[1]}
`,
  { isRegular: false },
)

export interface SharedTurnsOptions {
  readonly connection: RedisConnection
  /** Where Redis cannot be asked. */
  readonly local: Turns
}

/**
 * Turns over the processes and servers that use the same Redis. Each fetches as many as it has used lately, before they are needed:
 * no message waits for one. What a burst needs besides, and all while Redis is gone, are turns of this process.
 */
export class SharedTurns implements Turns {
  readonly #options: SharedTurnsOptions
  #next = 0
  #left = 0
  /** Turns that were used since the last were fetched. */
  #used = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: SharedTurnsOptions) {
    this.#options = options
    options.connection.onReady(() => void this.#fetch())
  }

  next(): number {
    this.#used++
    this.#timer ??= setTimeout(() => void this.#fetch(), PAUSE_MS).unref()
    if (this.#left === 0) return this.#options.local.next()
    this.#left--
    return this.#next++
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  async #fetch(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { connection } = this.#options
    const count = Math.min(Math.max(this.#used, 1), MOST_FETCHED)
    if (this.#left >= count || !connection.isReady) return
    this.#used = 0
    try {
      const reply = await connection.run(TURNS, [KEY], [String(count)])
      const [kind, first] = Array.isArray(reply) ? (reply as unknown[]) : []
      if (kind !== 'turns' || !Number.isSafeInteger(first) || Number(first) < 0) return
      // What is left of the last ones is never used: a relay loses some turns, now and then.
      this.#next = Number(first)
      this.#left = count
    } catch {
      // Tried again after the next message.
    }
  }
}
