import { DAY_MS } from '../model/duration'
import { toPrintable } from '../model/printable'
import { type Hold, readHolds, removeHold, writeHold } from '../relays/holds'
import type { RedisConnection } from './connection'
import { hideAddresses } from './hide-addresses'
import { hashName, PREFIX } from './keys'
import { createScript } from './script'

/** How soon a hold of one server is one of the others. Milliseconds. */
const INTERVAL_MS = 400
const MOST_HOLDS = 1_000

/*
 *   KEYS  holds
 *   ARGV  for each hold that has changed here: its field, what it is now ('': resumed), 'new' or 'known'
 *
 *   holds  hash of the relay's name -> 'stamp [name, since, until, reason]', or 'stamp ' for one that was resumed
 *
 * 'known': this server knew it before; if Redis disagrees, Redis wins. Returns all fields, without their stamps.
 */
const HOLDS = createScript(
  'holds',
  `
for i = 1, #ARGV, 3 do
  local isThere = redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  local isNew = ARGV[i + 2] == 'new' or not isThere
  if isNew and (isThere or redis.call('HLEN', KEYS[1]) < ${MOST_HOLDS}) then
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f ', now) .. ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ${90 * DAY_MS})
local reply = {}
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local stamp, text = string.match(entries[i + 1], '^(%d+) (.*)$')
  if stamp == nil or (text == '' and math.abs(now - stamp) > ${7 * DAY_MS}) then
    redis.call('HDEL', KEYS[1], entries[i])
  else
    reply[#reply + 1] = entries[i]
    reply[#reply + 1] = text
  end
end
return reply
`,
)

const KEY = `${PREFIX}holds`

export interface SharedHoldsOptions {
  readonly connection: RedisConnection
  /** The state folder, where the processes of this server and the command line have their holds. */
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** As it is compared and shared. The operator's own words stay on this server where they name a person. */
const textOf = ({ name, since, until, reason }: Hold) =>
  JSON.stringify([name, since, until ?? null, reason === undefined ? null : hideAddresses(reason)])

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 8.64e15

/** A hold as it was written, or undefined for what no server writes. */
function readText(field: string, text: string): Hold | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [name, since, until, reason] = value as unknown[]
    if (typeof name !== 'string' || hashName(name) !== field || name !== toPrintable(name)) return undefined
    if (!isTime(since) || (until !== null && !isTime(until))) return undefined
    if (reason !== null && (typeof reason !== 'string' || reason !== toPrintable(reason))) return undefined
    return { name, since, ...(until === null ? {} : { until }), ...(reason === null ? {} : { reason }) }
  } catch {
    return undefined
  }
}

/**
 * Holds over the servers that use the same Redis: those of the state folder are told to the others, and theirs are written to the
 * folder, where the workers and the command line find them as if they had been made here.
 */
export class SharedHolds {
  readonly #options: SharedHoldsOptions
  /** As they were when they were told last, by field; empty: resumed. */
  #known = new Map<string, string>()
  readonly #names = new Map<string, string>()
  #isFirst = true
  #isBusy = false
  readonly #timer: NodeJS.Timeout

  constructor(options: SharedHoldsOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#share(), INTERVAL_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #share(): Promise<void> {
    const { connection } = this.#options
    if (this.#isBusy || !connection.isReady) return
    this.#isBusy = true
    try {
      const here = this.#read()
      const fields = new Set([...here.keys(), ...this.#known.keys()])
      const values = [...fields].flatMap((field) => {
        const text = here.get(field) ?? ''
        const isNew = !this.#isFirst && text !== (this.#known.get(field) ?? '')
        return [field, text, isNew ? 'new' : 'known']
      })
      this.#apply(here, await connection.run(HOLDS, [KEY], values))
      this.#isFirst = false
    } catch {
      // The connection has logged it, or the folder cannot be used: tried again.
    } finally {
      this.#isBusy = false
    }
  }

  #read(): Map<string, string> {
    const { folder, now } = this.#options
    return new Map(
      [...readHolds(folder, now()).values()].map((hold) => {
        const field = hashName(hold.name)
        this.#names.set(field, hold.name)
        return [field, textOf(hold)]
      }),
    )
  }

  #apply(here: ReadonlyMap<string, string>, reply: unknown): void {
    if (!Array.isArray(reply)) return
    const { folder, now } = this.#options
    const known = new Map<string, string>()
    for (let index = 0; index + 1 < reply.length && known.size < MOST_HOLDS; index += 2) {
      const [field, text] = reply.slice(index, index + 2) as unknown[]
      if (typeof field !== 'string' || typeof text !== 'string') continue
      const hold = text === '' ? undefined : readText(field, text)
      const isOver = hold === undefined || (hold.until ?? Infinity) <= now()
      if (text !== '' && hold === undefined) continue
      known.set(field, isOver ? '' : text)
      if ((here.get(field) ?? '') === known.get(field)) continue
      const name = hold?.name ?? this.#names.get(field)
      if (!isOver) writeHold(folder, hold)
      else if (name !== undefined) removeHold(folder, name)
    }
    this.#known = known
  }
}
