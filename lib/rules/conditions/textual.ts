import { ALL_OPERATORS, compares, readOperator, type Operator } from '../operators'
import { compileRegex, isRegex } from '../regex'
import { fold, shown } from '../text'
import type { Message } from '../../model/message'
import { compileWildcard, type Matcher } from '../wildcard'
import { outcome, restStart, type ConditionKind, type Test } from './kind'

/**
 * `$name<operator><text>`: compared by character code or matched, without regard to case. An empty value is the empty text.
 *
 * @param empty another way to write the empty text
 */
export function textCondition(
  name: string,
  value: (message: Message) => string,
  empty?: string,
): ConditionKind {
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
      const test = compileTest(operator, written === empty ? '' : written)
      if (typeof test === 'string') {
        const help = {
          expected: 'an expression as RE2 has it: no look-around, no back-references, no white space',
        }
        // The problem quotes the expression, which on a broken line may be in the middle of a password.
        const problem = word.quote() === word.text ? test : 'bad regular expression'
        return word.error('bad-regex', problem, help, restStart(word, rest) + spelling.length)
      }
      return {
        attribute: name,
        operator,
        text: word.text,
        span: word.span(),
        needsMx: false,
        test: textTest(name, value, test, word.text),
      }
    },
  }
}

/** Holds on to no more than it needs: there may be very many. */
function textTest(name: string, value: (message: Message) => string, matches: Matcher, text: string): Test {
  return ({ message }) => {
    const seen = value(message)
    return outcome(matches(seen), text, name, seen === '' ? 'empty' : shown(seen))
  }
}

/** The test of one operator and value, or what is wrong with the value. */
function compileTest(operator: Operator, wanted: string): Matcher | string {
  if (operator === '~=' || operator === '~!') {
    const matcher = compileMatch(wanted)
    if (typeof matcher === 'string') return matcher
    return operator === '~=' ? matcher : (text) => !matcher(text)
  }
  const folded = fold(wanted)
  return (text) => {
    const seen = fold(text)
    return compares(operator, seen === folded ? 0 : seen < folded ? -1 : 1)
  }
}

function compileMatch(wanted: string): Matcher | string {
  if (!isRegex(wanted)) return compileWildcard(wanted)
  const regex = compileRegex(wanted)
  return regex.ok ? regex.matches : regex.problem
}
