import type { MatchedText } from '../conditions/textual'
import { conditionSpan } from '../places'
import type { LintRule } from './lint-rule'

/** What no wildcard for an address has, and many a regular expression. A quoted local part may have anything. */
const SIGNS_IN_ADDRESS: readonly (readonly [RegExp, string])[] = [
  [/^[^"]*\\/, 'a backslash'],
  [/.\$$/, 'a $ at its end'],
]

/** The same in addresses and in user names: these may be `CORP\fred` or `MACHINE$`, and `@[192.0.2.1]` ends an address. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/\\\./, 'a dot after a backslash'],
  [/^\^/, 'a ^ at its start'],
  [/^\.\*/, '.* at its start'],
  [/(?<!@)\[[^\]@]+\]/, 'a class of characters in brackets'],
  [/\([^)]*\|[^)]*\)/, 'alternatives in parentheses'],
]

function sign({ pattern, form, attribute }: MatchedText): string | undefined {
  if (form === 'regex') return undefined
  const signs = attribute.name === 'from' ? [...SIGNS, ...SIGNS_IN_ADDRESS] : SIGNS
  return signs.find(([expression]) => expression.test(pattern))?.[1]
}

/** A wildcard that was probably meant as a regular expression, and `=` with a value that was probably meant as a wildcard. */
export const oddWildcard: LintRule = {
  code: 'odd-wildcard',
  find: ({ lines }) =>
    lines.flatMap((line) =>
      line.conditions.flatMap((condition) => {
        const { text } = condition
        const lineKind = 'overrides' as const
        if (condition.kind === 'match') {
          const { attribute, operator, pattern } = condition
          const looks = sign(condition)
          if (looks === undefined) return []
          const span = conditionSpan(line, condition)
          const message = `${text} is read as a wildcard and not as a regular expression, though it has ${looks}`
          return [
            { span, lineKind, message, help: { suggestion: `$${attribute.name}${operator}/${pattern}/` } },
          ]
        }
        if (condition.kind !== 'text' || !condition.folded.includes('*')) return []
        const { operator } = condition
        if (operator !== '=' && operator !== '<>') return []
        const span = conditionSpan(line, condition)
        const matching = operator === '=' ? '~=' : '~!'
        const message = `${text} compares with the text as it is: * stands for itself after ${operator}`
        return [
          { span, lineKind, message, help: { suggestion: text.replace(/(?<=^\$[a-z]+)[=<>!]+/i, matching) } },
        ]
      }),
    ),
}
