import type { Message } from '../../model/message'
import { parseSize } from '../../model/size'
import { readOperator } from '../operators'
import { fold } from '../text'
import type { Condition } from '../types'

/**
 * What can be said of conditions without a message. Each answer "yes" is a proof by the condition's own test at every point
 * where its outcome can change; whatever cannot be proved is "no", so that no warning is wrong.
 */

/** The value of a condition as written: what follows its operator. */
export function valueOf({ attribute, text, operator }: Condition): string {
  const rest = text.slice(attribute.length + 1)
  return rest.slice(operator.startsWith(':') ? operator.length : (readOperator(rest)?.spelling.length ?? 0))
}

const isNumeric = ({ attribute }: Condition) => attribute === 'retries' || attribute === 'size'
const isTextual = ({ attribute }: Condition) => attribute === 'from' || attribute === 'authsender'
const isMatch = ({ operator }: Condition) => operator === '~=' || operator === '~!'

/** Is the value a regular expression? */
export const isRegular = (condition: Condition) => isMatch(condition) && valueOf(condition).startsWith('/')

const isWildcard = (condition: Condition) => isMatch(condition) && !isRegular(condition)
const isComparison = (condition: Condition) =>
  (isNumeric(condition) || isTextual(condition)) && !isMatch(condition)

/** A point on the axis of one attribute. */
type Point = number | string

function messageAt(attribute: string, point: Point): Message {
  const message = { domain: '', mailFrom: '', authSender: '', size: 0, retries: 0, rotationOffset: 0 }
  switch (attribute) {
    case 'retries':
      return { ...message, retries: Number(point) }
    case 'size':
      return { ...message, size: Number(point) }
    case 'from':
      return { ...message, mailFrom: String(point) }
    default:
      return { ...message, authSender: String(point) }
  }
}

/** Does a condition that needs no DNS hold at this point of its attribute? */
function holdsAt(condition: Condition, point: Point): boolean {
  const outcome = condition.test({
    message: messageAt(condition.attribute, point),
    mx: () => Promise.reject(new Error('such a condition asks for no MX')),
  })
  return 'holds' in outcome && outcome.holds === true
}

/**
 * Points between which the outcome of comparisons with these values cannot change: each value and its next neighbours, and the
 * least value there is. Text is ordered by character code, so the next text after v is v and a NUL.
 */
function pointsFor(comparisons: readonly Condition[], numeric: boolean): readonly Point[] {
  const values = comparisons.map(valueOf)
  if (!numeric) return ['', ...values.map(fold).flatMap((value) => [value, `${value}\0`])]
  const numbers = values.flatMap((value) => parseSize(value) ?? [])
  return [0, ...numbers.flatMap((number) => [number - 1, number, number + 1])].filter((number) => number >= 0)
}

/**
 * Every point at which all these conditions of one attribute may hold, as far as comparisons go; where one of them is `=`, the
 * wildcards count too. An empty list is a proof that they never hold together.
 */
function survivors(conditions: readonly Condition[], others: readonly Condition[] = []): readonly Point[] {
  const comparisons = conditions.filter(isComparison)
  const all = [...comparisons, ...others.filter(isComparison)]
  const fixed = comparisons.some(({ operator }) => operator === '=')
  const counted = fixed
    ? conditions.filter((condition) => isComparison(condition) || isWildcard(condition))
    : comparisons
  return pointsFor(all, conditions.some(isNumeric) || others.some(isNumeric)).filter((point) =>
    counted.every((condition) => holdsAt(condition, point)),
  )
}

/** What is the same however it is spelt. */
function canonical(condition: Condition): string {
  const value = valueOf(condition)
  const shape = isRegular(condition) ? value : isNumeric(condition) ? String(parseSize(value)) : fold(value)
  return `${condition.attribute} ${shape}`
}

/** Do both say the same? */
export function sameCondition(a: Condition, b: Condition): boolean {
  return a.operator === b.operator && canonical(a) === canonical(b)
}

const OPPOSITES: Readonly<Record<string, string>> = { '~=': '~!', '~!': '~=', ':': ':!', ':!': ':' }

/** Is one plainly the negation of the other? */
function opposed(a: Condition, b: Condition): boolean {
  if (a.operator in OPPOSITES && OPPOSITES[a.operator] === b.operator && canonical(a) === canonical(b))
    return true
  // all match, and none does
  const none = [a, b].find(({ attribute, operator }) => attribute === 'dnsmx' && operator === ':!')
  const every = [a, b].find(({ attribute }) => attribute === 'dnsmxall')
  return none !== undefined && every !== undefined && fold(valueOf(none)) === fold(valueOf(every))
}

const ATTRIBUTES = ['retries', 'size', 'from', 'authsender'] as const

/** Two conditions (or one by itself, twice) that exclude each other, if any; undefined: they may all hold. */
export function contradiction(conditions: readonly Condition[]): readonly [Condition, Condition] | undefined {
  for (const [index, second] of conditions.entries()) {
    const earlier = conditions.slice(0, index)
    const opposite = earlier.find((first) => opposed(first, second))
    if (opposite !== undefined) return [opposite, second]
    if (neverHolds(second)) return [second, second]
  }
  for (const attribute of ATTRIBUTES) {
    const own = conditions.filter((condition) => condition.attribute === attribute)
    if (own.length < 2 || survivors(own).length > 0) continue
    // the first pair that is enough; three that only together exclude each other are told by the outer two
    const pair = own
      .flatMap((a, i) => own.slice(i + 1).map((b) => [a, b] as const))
      .find((both) => survivors(both).length === 0)
    return pair ?? [own[0]!, own.at(-1)!]
  }
  return undefined
}

/** Does this condition hold for no message? */
export function neverHolds(condition: Condition): boolean {
  if (isComparison(condition)) return survivors([condition]).length === 0
  return isWildcard(condition) && condition.operator === '~!' && /^\*+$/.test(valueOf(condition))
}

/** Does this condition hold for every message? */
export function alwaysHolds(condition: Condition): boolean {
  if (isComparison(condition)) {
    return pointsFor([condition], isNumeric(condition)).every((point) => holdsAt(condition, point))
  }
  return isWildcard(condition) && condition.operator === '~=' && /^\*+$/.test(valueOf(condition))
}

/** Does `wanted` hold whenever all of `given` do? */
export function implies(given: readonly Condition[], wanted: Condition): boolean {
  if (alwaysHolds(wanted) || given.some((condition) => sameCondition(condition, wanted))) return true
  const own = given.filter(({ attribute }) => attribute === wanted.attribute)
  if (own.length === 0 || wanted.needsMx || isRegular(wanted)) return false
  // a wildcard can be judged only where the value is known
  if (isWildcard(wanted) && !own.some(({ operator }) => operator === '=')) return false
  return survivors(own, [wanted]).every((point) => holdsAt(wanted, point))
}

/** Can no message fulfil all of both? */
export function exclude(a: readonly Condition[], b: readonly Condition[]): boolean {
  return contradiction([...a, ...b]) !== undefined
}

/** Can the conditions hold for a message of which so many attempts, at most, were made? */
export function holdWithin(conditions: readonly Condition[], mostRetries: number): boolean {
  const own = conditions.filter(({ attribute }) => attribute === 'retries')
  const points = [...pointsFor(own, true), mostRetries].filter((point) => Number(point) <= mostRetries)
  return own.length === 0 || points.some((point) => own.every((condition) => holdsAt(condition, point)))
}
