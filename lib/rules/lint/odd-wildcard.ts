import type { Condition } from '../types'
import type { LintRule } from './kind'
import { isRegular, valueOf } from './conditions'

/** What no wildcard for an address has, and many a regular expression. A quoted local part may have anything. */
const SIGNS_IN_ADDRESS: readonly (readonly [RegExp, string])[] = [
  [/^[^"]*\\/, 'a backslash'],
  [/.\$$/, 'a $ at its end'],
]

/** The same for user names too: `CORP\fred` and `MACHINE$` are such, and `@[192.0.2.1]` ends an address. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/\\\./, 'a dot behind a backslash'],
  [/^\^/, 'a ^ at its start'],
  [/^\.\*/, '.* at its start'],
  [/(?<!@)\[[^\]@]+\]/, 'a class of characters in brackets'],
  [/\([^)]*\|[^)]*\)/, 'alternatives in parentheses'],
]

function sign(condition: Condition): string | undefined {
  if (condition.operator !== '~=' && condition.operator !== '~!') return undefined
  if (isRegular(condition)) return undefined
  const signs = condition.attribute === 'from' ? [...SIGNS, ...SIGNS_IN_ADDRESS] : SIGNS
  return signs.find(([pattern]) => pattern.test(valueOf(condition)))?.[1]
}

/** A wildcard that was surely meant as a regular expression, and `=` with a value that was surely meant as a wildcard. */
export const oddWildcard: LintRule = {
  code: 'odd-wildcard',
  find: ({ lines }) =>
    lines.flatMap(({ conditions }) =>
      conditions.flatMap((condition) => {
        const { text, span, operator, attribute } = condition
        const value = valueOf(condition)
        const shown = 'overrides' as const
        const looks = sign(condition)
        if (looks !== undefined) {
          const message = `${text} is read as a wildcard and not as a regular expression, though it has ${looks}`
          return [{ span, shown, message, help: { suggestion: `$${attribute}${operator}/${value}/` } }]
        }
        const textual = attribute === 'from' || attribute === 'authsender'
        if (textual && (operator === '=' || operator === '<>') && value.includes('*')) {
          const matching = operator === '=' ? '~=' : '~!'
          const message = `${text} compares with the text as it is: * stands for itself after ${operator}`
          return [{ span, shown, message, help: { suggestion: `$${attribute}${matching}${value}` } }]
        }
        return []
      }),
    ),
}
