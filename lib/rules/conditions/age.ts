import { formatDuration, parseDuration } from '../../model/duration'
import { numericCondition } from './numeric'

/** `$age`: the time since the message was queued, as `30m`, `4h`, `2d`; a plain number is seconds. */
export const age = numericCondition({
  name: 'age',
  value: (message) => message.ageMs,
  expected: 'a time such as 90s, 30m, 4h, 2d',
  example: '4h',
  parse: parseDuration,
  format: (ms) => formatDuration(Math.floor(ms / 1000) * 1000),
})
