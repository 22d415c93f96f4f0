import { createHash } from 'node:crypto'

/** A Lua script. Redis runs it as a whole: nobody else is served meanwhile. */
export interface Script {
  /** Tells its failures from those of other scripts. */
  readonly name: string
  readonly source: string
  readonly sha1: string
  /** It is run again and again: while it fails, Redis is gone. */
  readonly isRegular: boolean
}

/** Milliseconds since the epoch by the clock of Redis, as `now`: the clocks of the hosts may differ. */
const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** @param source Lua 5.1; `now` is there */
export function createScript(name: string, source: string, { isRegular = true } = {}): Script {
  const whole = `${CLOCK}${source}`
  return { name, source: whole, sha1: createHash('sha1').update(whole).digest('hex'), isRegular }
}
