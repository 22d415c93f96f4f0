import { DAY_MS } from '../model/duration'
import { shortenTo, toPrintable } from '../model/printable'
import { type Hold, LONGEST_REASON, readHolds, removeHold, writeHold } from '../relays/holds'
import { overwriteFile, readSmallFile } from '../relays/private-file'
import type { RedisConnection } from './connection'
import { hideAddresses } from './hide-addresses'
import { hashName, isField, PREFIX } from './keys'
import { createScript } from './script'

/** Time until a hold of one server is one of the others too, milliseconds. */
const INTERVAL_MS = 400
const MOST_HOLDS = 1_000
/** Two ends of a hold that differ by less are the same: each host has its own clock. Milliseconds. */
const SAME_MS = 1_500

/*
 *   KEYS  holds
 *   ARGV  for each hold: its field, what it is now ('': resumed), how long it lasts from now, ms ('': until it is resumed), and
 *         'known': Redis is right where it says something else; 'new AGE': it has changed here, so many ms ago; 'first AGE': the same
 *         on a server that has shared nothing yet. What changed last is right: a call may come again because its reply was lost.
 *
 *   holds  hash of the relay's name -> 'stamp until [name, since, reason]', or 'stamp 0 ' for one that was resumed or has ended.
 *          Stamp and until by the clock of Redis; until 0: until it is resumed.
 *
 * Returns all fields, each with what it is and how long it lasts (-1: until it is resumed).
 */
const HOLDS = createScript(
  'holds',
  `
-- Others have written here too. Each server says again which holds it has.
if isForeign(KEYS[1], 'HLEN') or redis.call('HLEN', KEYS[1]) > ${MOST_HOLDS} then redis.call('DEL', KEYS[1]) end
local function read(entry)
  local stamp, till, text = string.match(entry or '', '^(%d+) (%d+) (.*)$')
  if stamp == nil then return nil end
  return {stamp = tonumber(stamp), till = tonumber(till), text = text}
end

local function write(field, stamp, till, text)
  redis.call('HSET', KEYS[1], field, string.format('%.0f %.0f ', stamp, till) .. text)
end

-- One that was resumed makes room, the oldest first.
local function hasRoom()
  if redis.call('HLEN', KEYS[1]) < ${MOST_HOLDS} then return true end
  local oldest, since = nil, now + 1
  local entries = redis.call('HGETALL', KEYS[1])
  for i = 1, #entries, 2 do
    local entry = read(entries[i + 1])
    if entry == nil or (entry.text == '' and entry.stamp < since) then
      oldest, since = entries[i], entry and entry.stamp or 0
    end
  end
  return oldest ~= nil and redis.call('HDEL', KEYS[1], oldest) == 1
end

for i = 1, #ARGV, 4 do
  local field, text, left = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local state, age = string.match(ARGV[i + 3], '^(%l+) ?(%d*)$')
  local there = read(redis.call('HGET', KEYS[1], field))
  local stamp = math.max(0, now - (tonumber(age) or 0))
  local isNew = state ~= 'known' and (there == nil or stamp >= math.min(there.stamp, now))
  if state ~= 'new' then isNew = (isNew or there == nil) and text ~= '' and left ~= '0' end
  if isNew and (there ~= nil or hasRoom()) then
    write(field, stamp, left == '' and 0 or now + tonumber(left), text)
  end
end
redis.call('PEXPIRE', KEYS[1], ${90 * DAY_MS})
local reply = {}
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local field, entry = entries[i], read(entries[i + 1])
  if entry == nil or (entry.text == '' and math.abs(now - entry.stamp) > ${30 * DAY_MS}) then
    redis.call('HDEL', KEYS[1], field)
  else
    if entry.text ~= '' and entry.till > 0 and entry.till <= now then
      entry.text, entry.till = '', 0
      write(field, now, 0, '')
    end
    reply[#reply + 1] = field
    reply[#reply + 1] = entry.text
    reply[#reply + 1] = entry.till == 0 and -1 or entry.till - now
  end
end
return reply
`,
)

const KEY = `${PREFIX}holds`
/** File of the state folder: what this server has sent to the others, so that after a restart it knows what has changed meanwhile. */
const SENT_FILE = 'shared-holds'
const LARGEST_BYTES = 1024 * 1024

export interface SharedHoldsOptions {
  readonly connection: RedisConnection
  /** The state folder, where the processes of this server and the command line have their holds. */
  readonly folder: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonic: () => number
}

/** A hold as it is compared and shared. */
interface SharedHold {
  /** `[name, since, reason]` as JSON; '': resumed. */
  readonly text: string
  /** Ms since the epoch by the clock of this host; absent: until it is resumed. */
  readonly until?: number
}

const RESUMED: SharedHold = { text: '' }

/** A reason that names a person is not shared in full. */
function toShared({ name, since, until, reason }: Hold): SharedHold {
  const text = JSON.stringify([
    name,
    since,
    reason === undefined ? null : shortenTo(hideAddresses(reason), LONGEST_REASON),
  ])
  return { text, ...(until === undefined ? {} : { until }) }
}

function isSame(one: SharedHold, other: SharedHold): boolean {
  if (one.text !== other.text || one.text === '') return one.text === other.text
  if (one.until === undefined || other.until === undefined) return one.until === other.until
  return Math.abs(one.until - other.until) < SAME_MS
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 8.64e15

/** Is it a reason that a hold keeps unchanged? */
const isReason = (text: string): boolean => text === shortenTo(text.trim(), LONGEST_REASON)

/** A hold as it was written, or undefined for what no server writes. */
function readText(field: string, { text, until }: SharedHold): Hold | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [name, since, reason] = value as unknown[]
    if (typeof name !== 'string' || hashName(name) !== field || name !== toPrintable(name)) return undefined
    if (!isTime(since) || (until !== undefined && !isTime(until))) return undefined
    if (reason !== null && (typeof reason !== 'string' || !isReason(reason))) return undefined
    return {
      name,
      since,
      ...(until === undefined ? {} : { until }),
      ...(reason === null ? {} : { reason }),
    }
  } catch {
    return undefined
  }
}

/**
 * Holds over the servers that use the same Redis: those of the state folder are sent to the others, and theirs are written to the folder,
 * where the workers and the command line find them as if they had been made here. The clock of Redis decides when a hold ends.
 */
export class SharedHolds {
  readonly #options: SharedHoldsOptions
  /** As they were when they were last sent, by field; undefined if nothing was ever sent. */
  #sent: Map<string, SharedHold> | undefined
  readonly #names = new Map<string, string>()
  /** What has changed here and is not known to be in Redis, by field: what it is now, and when that was seen. */
  #changes = new Map<string, { readonly hold: SharedHold; readonly at: number }>()
  #isBusy = false
  readonly #timer: NodeJS.Timeout

  constructor(options: SharedHoldsOptions) {
    this.#options = options
    this.#sent = readSent(options.folder)
    this.#timer = setInterval(() => void this.#share(), INTERVAL_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #share(): Promise<void> {
    const { connection } = this.#options
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      const here = this.#read()
      this.#noteChanges(here)
      if (connection.isReady) this.#apply(here, await connection.run(HOLDS, [KEY], this.#describe(here)))
    } catch {
      // The connection has logged it, or the folder cannot be used: tried again.
    } finally {
      this.#isBusy = false
    }
  }

  #fields(here: ReadonlyMap<string, SharedHold>): ReadonlySet<string> {
    return new Set([...here.keys(), ...(this.#sent?.keys() ?? [])])
  }

  #noteChanges(here: ReadonlyMap<string, SharedHold>): void {
    const before = this.#changes
    this.#changes = new Map()
    for (const field of this.#fields(here)) {
      const hold = here.get(field) ?? RESUMED
      if (isSame(hold, this.#sent?.get(field) ?? RESUMED)) continue
      const known = before.get(field)
      const isKnown = known !== undefined && isSame(hold, known.hold)
      this.#changes.set(field, isKnown ? known : { hold, at: this.#options.monotonic() })
    }
  }

  /** The values of a call. */
  #describe(here: ReadonlyMap<string, SharedHold>): readonly string[] {
    const { now } = this.#options
    return [...this.#fields(here)].flatMap((field) => {
      const hold = here.get(field) ?? RESUMED
      const left = hold.until === undefined ? '' : String(Math.max(0, Math.ceil(hold.until - now())))
      return [field, hold.text, left, this.#stateOf(field, hold)]
    })
  }

  #stateOf(field: string, hold: SharedHold): string {
    const { now, monotonic } = this.#options
    const ageOf = (at: number, until: number) => String(Math.max(0, Math.round(until - at)))
    if (this.#sent === undefined) {
      const [, since] = JSON.parse(hold.text) as [string, number]
      return `first ${ageOf(since, now())}`
    }
    const change = this.#changes.get(field)
    return change === undefined ? 'known' : `new ${ageOf(change.at, monotonic())}`
  }

  /** Includes holds that have ended: the end of a hold does not mean that somebody has resumed it. */
  #read(): Map<string, SharedHold> {
    return new Map(
      [...readHolds(this.#options.folder, -Infinity).values()].map((hold) => {
        const field = hashName(hold.name)
        this.#names.set(field, hold.name)
        return [field, toShared(hold)]
      }),
    )
  }

  #apply(here: ReadonlyMap<string, SharedHold>, reply: unknown): void {
    if (!Array.isArray(reply)) return
    const { folder, now } = this.#options
    const sent = new Map<string, SharedHold>()
    for (let index = 0; index + 2 < reply.length && sent.size < MOST_HOLDS; index += 3) {
      const [field, text, leftMs] = reply.slice(index, index + 3) as unknown[]
      if (typeof field !== 'string' || typeof text !== 'string' || !Number.isSafeInteger(leftMs)) continue
      const there: SharedHold = Number(leftMs) < 0 ? { text } : { text, until: now() + Number(leftMs) }
      const hold = text === '' ? undefined : readText(field, there)
      if (text !== '' && hold === undefined) continue
      const ours = here.get(field) ?? RESUMED
      if (isSame(ours, there)) {
        sent.set(field, ours)
        continue
      }
      sent.set(field, there)
      // It was changed here while Redis was asked: the next call sends it.
      if (!isSame(this.#read().get(field) ?? RESUMED, ours)) continue
      const name = hold?.name ?? this.#names.get(field)
      if (hold !== undefined) writeHold(folder, hold)
      else if (name !== undefined) removeHold(folder, name)
    }
    this.#keep(sent)
  }

  #keep(sent: Map<string, SharedHold>): void {
    const before = this.#sent
    const isUnchanged =
      before?.size === sent.size &&
      [...sent].every(([field, hold]) => isSame(before.get(field) ?? RESUMED, hold))
    this.#sent = sent
    if (!isUnchanged) writeSent(this.#options.folder, sent)
  }
}

/** @throws Error as `fs` does */
function writeSent(folder: string, sent: ReadonlyMap<string, SharedHold>): void {
  const rows = [...sent].map(([field, { text, until }]) => [field, text, until ?? null])
  overwriteFile(folder, SENT_FILE, `${JSON.stringify(rows)}\n`)
}

/** Undefined if the file is missing, or was not written by this program. */
function readSent(folder: string): Map<string, SharedHold> | undefined {
  try {
    const rows: unknown = JSON.parse(readSmallFile(folder, SENT_FILE, LARGEST_BYTES) ?? 'null')
    if (!Array.isArray(rows)) return undefined
    const sent = new Map<string, SharedHold>()
    for (const row of rows as unknown[]) {
      const [field, text, until] = Array.isArray(row) ? (row as unknown[]) : []
      if (!isField(field) || typeof text !== 'string') return undefined
      sent.set(field, { text, ...(isTime(until) ? { until } : {}) })
    }
    return sent
  } catch {
    return undefined
  }
}
