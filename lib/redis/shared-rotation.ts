import { DAY_MS } from '../model/duration'
import type { Rotation } from '../relays/rotation'
import type { RedisConnection } from './connection'
import { PREFIX } from './keys'
import { createScript } from './script'

/** Time from the use of an offset until new ones are fetched, for all that were used meanwhile. Milliseconds. */
const PAUSE_MS = 400
const MOST_FETCHED = 1_000
const KEY = `${PREFIX}rotation`

/*
 *   KEYS  rotation: the number of offsets that were given out
 *   ARGV  how many are fetched
 *
 * Returns 'rotation' and the first of them.
 */
const ROTATION = createScript(
  'rotation',
  `
local last = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(last) == 'table' then
  -- It was not a number.
  redis.call('DEL', KEYS[1])
  last = redis.call('INCRBY', KEYS[1], ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ${DAY_MS})
return {'rotation', last - ARGV[1]}
`,
  { isRegular: false },
)

export interface SharedRotationOptions {
  readonly connection: RedisConnection
  /** Where Redis cannot be asked. */
  readonly local: Rotation
}

/**
 * One rotation over the processes and servers that use the same Redis. Each fetches as many offsets as it has used lately, before they
 * are needed: no message waits for one. In a burst, and while Redis is gone, more offsets come from this process itself.
 */
export class SharedRotation implements Rotation {
  readonly #options: SharedRotationOptions
  #next = 0
  #left = 0
  /** Offsets that were used since the last were fetched. */
  #used = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: SharedRotationOptions) {
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
      const reply = await connection.run(ROTATION, [KEY], [String(count)])
      const [kind, first] = Array.isArray(reply) ? (reply as unknown[]) : []
      if (kind !== 'rotation' || !Number.isSafeInteger(first) || Number(first) < 0) return
      // The remaining old ones are never used: now and then a relay loses some messages to the next one.
      this.#next = Number(first)
      this.#left = count
    } catch {
      // Tried again after the next message.
    }
  }
}
