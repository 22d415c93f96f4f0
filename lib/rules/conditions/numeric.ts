import type { Message } from '../../model/message'
import { COMPARISONS, compares, readOperator, type Comparison } from '../operators'
import { restStart, type ConditionKind, type Written } from './condition-kind'

/** What sets one numeric condition apart from another. */
export interface NumericAttribute {
  readonly name: string
  readonly value: (message: Message) => number
  readonly expected: string
  readonly example: string
  /** Undefined for a text that is not a number of this attribute. */
  readonly parse: (text: string) => number | undefined
  /** What was probably meant by such a text. */
  readonly meant?: (text: string) => string | undefined
  /** A value as a reason shows it. */
  readonly format?: (value: number) => string
}

/** `$name<operator><number>`. */
export interface NumericCondition extends Written {
  readonly kind: 'number'
  readonly attribute: NumericAttribute
  readonly operator: Comparison
  readonly number: number
}

export function numericHolds({ attribute, operator, number }: NumericCondition, message: Message): boolean {
  return compares(operator, attribute.value(message) - number)
}

/** A whole number that JavaScript holds exactly. */
export function parseWhole(text: string): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}

/** `$name<operator><number>`: numbers are compared as numbers; text operators and text values are errors. */
export function numericCondition(attribute: NumericAttribute): ConditionKind<NumericCondition> {
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
        const problem = `${spelling} is for text, and $${name} is a number`
        return word.error('text-operator', problem, help, start, valueAt)
      }
      const number = attribute.parse(text)
      if (number === undefined) {
        const swapped = /^([<>])(\d+[a-z]*)$/i.exec(text)
        const meant = attribute.meant?.(text)
        const suggestion =
          spelling === '=' && swapped !== null
            ? `$${name}${swapped[1]}=${swapped[2]}`
            : meant && `$${name}${spelling}${meant}`
        const what = text === '' ? 'no value' : `bad value "${word.quote(valueAt)}"`
        return word.error('bad-value', `${what} for $${name}`, { expected, suggestion }, valueAt)
      }
      return { kind: 'number', attribute, operator, number, text: word.text }
    },
  }
}
