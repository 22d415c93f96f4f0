import { toPrintable } from '../model/printable'
import type { Span } from '../source/diagnostic'
import { spanOf } from '../source/report'
import { tokenise, type Word } from '../source/word'
import type { Condition } from './conditions/condition'
import type { OverrideLine } from './types'

/*
 * Where the parts of an override line are. They are looked for when a diagnostic points at one: places that are kept for each line would
 * be a third of the memory of a long list.
 */

export const patternSpan = (line: OverrideLine): Span => findSpan(line, (_word, index) => index === 0)

export const targetSpan = (line: OverrideLine): Span => findSpan(line, (_word, index) => index === 1)

/** The place of `$priority`; of the pattern if the line has none. */
export const prioritySpan = (line: OverrideLine): Span =>
  findSpan(line, ({ text }, index) => index > 1 && /^\$priority:/i.test(text))

/** The place of a condition of the line. */
export function conditionSpan(line: OverrideLine, condition: Condition): Span {
  const shown = toPrintable(condition.text, { line: true })
  return findSpan(line, ({ text }, index) => index > 1 && toPrintable(text, { line: true }) === shown)
}

function findSpan({ line, text }: OverrideLine, isWanted: (word: Word, index: number) => boolean): Span {
  const words = tokenise(text)
  const { start, text: found } = words.find(isWanted) ?? words[0]!
  return spanOf(line, start, start + found.length)
}
