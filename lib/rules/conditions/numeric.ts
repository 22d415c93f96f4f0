import { COMPARISONS, compares, readOperator, type Comparison } from '../operators'
import type { Message } from '../../model/message'
import { outcome, restStart, type ConditionKind, type Test } from './kind'

/** What sets one numeric condition apart from another. */
export interface NumericAttribute {
  readonly name: string
  readonly value: (message: Message) => number
  readonly expected: string
  readonly example: string
  /** Undefined for what is no number of this attribute. */
  readonly parse: (text: string) => number | undefined
}

/** A whole number that JavaScript holds exactly. */
export function parseWhole(text: string): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}

/** `$name<operator><number>`: numbers are compared as numbers; text operators and text values are errors. */
export function numericCondition(attribute: NumericAttribute): ConditionKind {
  const { name, expected, example } = attribute
  const form = `$${name}<operator>${example}`
  return {
    name,
    form,
    parse(word, rest) {
      const start = restStart(word, rest)
      const found = readOperator(rest)
      if (found === undefined) {
        return word.error('missing-operator', `$${name} without an operator`, {
          expected: `one of ${COMPARISONS} and a number`,
          suggestion: rest.startsWith(':') ? `$${name}=${rest.slice(1)}` : `$${name}>=${example}`,
        })
      }
      const { spelling, operator } = found
      const valueAt = start + spelling.length
      const text = rest.slice(spelling.length)
      if (operator === '~=' || operator === '~!') {
        const help = { expected: `one of ${COMPARISONS}` }
        return word.error(
          'text-operator',
          `${spelling} is for text, and $${name} is a number`,
          help,
          start,
          valueAt,
        )
      }
      const number = attribute.parse(text)
      if (number === undefined) {
        const turned = /^([<>])(\d+)$/.exec(text)
        const suggestion =
          spelling === '=' && turned !== null ? `$${name}${turned[1]}=${turned[2]}` : undefined
        const what = text === '' ? 'no value' : `bad value "${word.quote(valueAt)}"`
        return word.error('bad-value', `${what} for $${name}`, { expected, suggestion }, valueAt)
      }
      return {
        attribute: name,
        operator,
        text: word.text,
        span: word.span(),
        needsMx: false,
        test: numericTest(attribute, operator, number, word.text),
      }
    },
  }
}

/** Holds on to no more than it needs: there may be very many. */
function numericTest(
  { name, value }: NumericAttribute,
  operator: Comparison,
  number: number,
  text: string,
): Test {
  return ({ message }) => {
    const seen = value(message)
    return outcome(compares(operator, seen - number), text, name, String(seen))
  }
}
