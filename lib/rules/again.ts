import { DAY_MS, formatDuration, parseDuration } from '../model/duration'
import type { WordReader } from '../source/word'
import type { Condition } from './conditions/condition'
import { failed } from './conditions/failed'
import { reply } from './conditions/reply'

/** `$again:<time>` as it stands in a line. */
export interface Again {
  readonly ms: number
  readonly word: WordReader
}

const SHORTEST = 1000
/** The longest wait: as long as Haraka keeps any message. Milliseconds. */
const LONGEST = 30 * DAY_MS

/** Reads the option; `rest` is the word after the name. Undefined, and reported, where the value is bad. */
export function parseAgain(word: WordReader, rest: string): Again | undefined {
  const ms = rest.startsWith(':') ? parseDuration(rest.slice(1)) : undefined
  if (ms !== undefined && ms >= SHORTEST && ms <= LONGEST) return { ms, word }
  const value = /^[:=<>!~]+(\d+(?:ms|[smhd])?)$/i.exec(rest)?.[1]
  const range = `${formatDuration(SHORTEST)} to ${formatDuration(LONGEST)}`
  return word.error('bad-option', 'bad $again', {
    expected: `$again:<time>, such as 5m or 1h, from ${range}`,
    suggestion: rest.startsWith(':') || value === undefined ? undefined : `$again:${value}`,
  })
}

/** `$again` says how long to wait after a refusal, so its line has to ask for one. False, and reported, if it does not. */
export function checkAgain(qualifiers: {
  readonly conditions: readonly Condition[]
  readonly again: Again | undefined
}): boolean {
  const { conditions, again } = qualifiers
  const asksForRefusal = ({ attribute: { name } }: Condition) => name === reply.name || name === failed.name
  if (again === undefined || conditions.some(asksForRefusal)) return true
  again.word.error('again-without-refusal', '$again without a condition on $reply or $failed', {
    expected: `${reply.form} or ${failed.form} in the same line`,
  })
  return false
}
