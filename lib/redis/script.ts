import { createHash } from 'node:crypto'

/** A Lua script. Redis runs it as a whole: nobody else is served meanwhile. */
export interface Script {
  /** Distinguishes its failures from those of other scripts. */
  readonly name: string
  readonly source: string
  readonly sha1: string
  /** It is run again and again: while it fails, Redis is gone. */
  readonly isRegular: boolean
}

/** What all scripts have. `now`: milliseconds since the epoch by the clock of Redis, because the clocks of the hosts may differ. */
const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A number of more digits is not one that Lua or Node can count on from.
local MOST_DIGITS = 15

-- Has a key another type than the command works with? Then it was not written here.
local function isForeign(key, command, ...)
  local reply = redis.pcall(command, key, ...)
  return type(reply) == 'table' and string.find(reply.err, 'WRONGTYPE', 1, true) ~= nil
end
`

/** @param source Lua 5.1; `now`, `MOST_DIGITS` and `isForeign` are there */
export function createScript(name: string, source: string, { isRegular = true } = {}): Script {
  const whole = `${COMMON}${source}`
  return { name, source: whole, sha1: createHash('sha1').update(whole).digest('hex'), isRegular }
}
