import type { MxAnswer } from '../../model/dns-answer'
import type { Message } from '../../model/message'
import { shortenText } from '../fold'
import { mxHolds, mxSeen, type MxCondition } from './mx-hosts'
import { numericHolds, type NumericCondition } from './numeric'
import { textHolds, type TextCondition } from './textual'

/** A condition that the message alone decides. */
export type MessageCondition = NumericCondition | TextCondition
/** A condition of an override line: plain data, its value parsed. */
export type Condition = MessageCondition | MxCondition

/** Does the condition hold for this message? */
export function messageHolds(condition: MessageCondition, message: Message): boolean {
  return condition.kind === 'number' ? numericHolds(condition, message) : textHolds(condition, message)
}

export { mxHolds }

function valueSeen(condition: MessageCondition, message: Message): string {
  if (condition.kind !== 'number') return condition.attribute.value(message)
  const { value, format = String } = condition.attribute
  return format(value(message))
}

/**
 * Why a condition does not hold, with the value seen, as `$retries>=4 is false: retries is 1`.
 *
 * @param mx the MX answer, which a condition on MX hosts was judged by
 */
export function whyNot(condition: Condition, message: Message, mx: MxAnswer | undefined): string {
  const { text } = condition
  if (condition.kind !== 'mx') {
    const seen = valueSeen(condition, message)
    return `${text} is false: ${condition.attribute.name} is ${seen === '' ? 'empty' : shortenText(seen)}`
  }
  if (mx === undefined || mx.kind === 'failed') {
    const problem = mx === undefined ? '' : ` (${shortenText(mx.error.message)})`
    return `${text} is undecided: the MX lookup failed${problem}`
  }
  return `${text} is false: ${mxSeen(mx)}`
}
