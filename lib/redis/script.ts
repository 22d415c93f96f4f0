import { createHash } from 'node:crypto'

/** A Lua script. Redis serves nobody else while it runs. */
export interface Script {
  /** Distinguishes its failures from those of other scripts. */
  readonly name: string
  readonly source: string
  readonly sha1: string
  /** It is run regularly: if it fails, Redis counts as gone. */
  readonly isRegular: boolean
}

/** The beginning of all scripts. `now`: milliseconds since the epoch by the clock of Redis, because the clocks of the hosts may differ. */
const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Lua and Node cannot count on from a number with more digits.
local MOST_DIGITS = 15

-- Does a key have another type than the command works with? Then another program wrote it.
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
