import type { Message } from '../../model/message'
import { ALL_OPERATORS, compares, readOperator, type Comparison } from '../operators'
import { compileRegex, isRegex } from '../regex'
import { fold } from '../fold'
import { compileWildcard, type Matcher } from '../wildcard'
import { restStart, type ConditionKind, type Written } from './condition-kind'

/** What sets one condition on a text apart from another. */
export interface TextAttribute {
  readonly name: string
  readonly value: (message: Message) => string
  /** Another way to write the empty text. */
  readonly empty?: string
}

/** `$name<comparison><text>`, with the text folded as {@link fold} does. */
export interface ComparedText extends Written {
  readonly kind: 'text'
  readonly attribute: TextAttribute
  readonly operator: Comparison
  readonly folded: string
}

/** `$name~=<pattern>` or `$name~!<pattern>`. */
export interface MatchedText extends Written {
  readonly kind: 'match'
  readonly attribute: TextAttribute
  readonly operator: '~=' | '~!'
  readonly form: 'wildcard' | 'regex'
  /** As written. */
  readonly pattern: string
  readonly matches: Matcher
}

export type TextCondition = ComparedText | MatchedText

export function textHolds(condition: TextCondition, message: Message): boolean {
  const seen = condition.attribute.value(message)
  if (condition.kind === 'match') return condition.matches(seen) === (condition.operator === '~=')
  const { operator, folded } = condition
  const text = fold(seen)
  return compares(operator, text === folded ? 0 : text < folded ? -1 : 1)
}

/** `$name<operator><text>`: compared by character code or matched, without regard to case. No value is the empty text. */
export function textCondition(attribute: TextAttribute): ConditionKind<TextCondition> {
  const { name } = attribute
  const form = `$${name}<operator><text>`
  return {
    name,
    form,
    parse(word, rest) {
      const found = readOperator(rest)
      if (found === undefined) {
        return word.error('missing-operator', `$${name} without an operator`, {
          expected: `one of ${ALL_OPERATORS} and a text`,
          suggestion: rest.startsWith(':') ? `$${name}=${rest.slice(1)}` : undefined,
        })
      }
      const { spelling, operator } = found
      const written = rest.slice(spelling.length)
      const value = written === attribute.empty ? '' : written
      const { text } = word
      if (operator !== '~=' && operator !== '~!') {
        return { kind: 'text', attribute, operator, folded: fold(value), text }
      }
      if (!isRegex(value)) {
        const matches = compileWildcard(value)
        return { kind: 'match', attribute, operator, form: 'wildcard', pattern: value, matches, text }
      }
      const regex = compileRegex(value)
      if (!regex.ok) {
        const help = {
          expected: 'an expression as RE2 has it: no look-around, no back-references, no white space',
        }
        // The problem quotes the expression, which on a broken line may be in the middle of a password.
        const problem = word.quote() === text ? regex.problem : 'bad regular expression'
        return word.error('bad-regex', problem, help, restStart(word, rest) + spelling.length)
      }
      const { matches } = regex
      return { kind: 'match', attribute, operator, form: 'regex', pattern: value, matches, text }
    },
  }
}
