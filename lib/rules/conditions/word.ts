import { nearest } from '../../source/suggest'
import { readOperator } from '../operators'
import { restStart, type ConditionKind } from './condition-kind'
import type { ComparedText, TextAttribute } from './textual'

/** What sets one condition on a word apart from another. */
export interface WordAttribute extends TextAttribute {
  /** In lower case. */
  readonly words: readonly string[]
}

const OPERATORS = '= == <> !='

/** `$name=<word>` or `$name<><word>`: one of a few words, or nothing for the empty one. They have no order. */
export function wordCondition(attribute: WordAttribute): ConditionKind<ComparedText> {
  const { name, words } = attribute
  const list = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  return {
    name,
    form: `$${name}=<word>`,
    parse(word, rest) {
      const start = restStart(word, rest)
      const found = readOperator(rest)
      if (found === undefined) {
        return word.error('missing-operator', `$${name} without an operator`, {
          expected: `one of ${OPERATORS} and one of ${list}`,
          suggestion: rest.startsWith(':') ? `$${name}=${rest.slice(1)}` : undefined,
        })
      }
      const { spelling, operator } = found
      const valueAt = start + spelling.length
      if (operator !== '=' && operator !== '<>') {
        const help = { expected: `one of ${OPERATORS}` }
        return word.error('bad-operator', `${spelling} cannot compare $${name}`, help, start, valueAt)
      }
      const folded = rest.slice(spelling.length).toLowerCase()
      if (folded !== '' && !words.includes(folded)) {
        const near = nearest(folded, words)
        const suggestion = near === undefined ? undefined : `$${name}${spelling}${near}`
        const problem = `bad value "${word.quote(valueAt)}" for $${name}`
        return word.error('bad-value', problem, { expected: `${list}, or nothing`, suggestion }, valueAt)
      }
      return { kind: 'text', attribute, operator, folded, text: word.text }
    },
  }
}
