import { BLANK_MESSAGE, type Message } from '../../model/message'
import type { Condition, MessageCondition } from '../conditions/condition'
import { messageHolds } from '../conditions/condition'
import type { NumericCondition } from '../conditions/numeric'
import type { ComparedText, MatchedText } from '../conditions/textual'
import { fold } from '../fold'

/**
 * What can be said of conditions without a message. Each answer "yes" is a proof by the condition's own test at every point
 * where its outcome can change; whatever cannot be proved is "no", so that no warning is wrong.
 */

type ComparisonCondition = NumericCondition | ComparedText

const isComparison = (condition: Condition): condition is ComparisonCondition =>
  condition.kind === 'number' || condition.kind === 'text'
const isWildcard = (condition: Condition): condition is MatchedText =>
  condition.kind === 'match' && condition.form === 'wildcard'

/** A point on the axis of one attribute. */
type Point = number | string

const NOBODY: Message = { ...BLANK_MESSAGE, domain: '' }

/** The same condition about a message that has this value of its attribute, whatever the attribute is. */
function holdsAt(condition: MessageCondition, point: Point): boolean {
  const { attribute } = condition
  const value = () => point
  return messageHolds({ ...condition, attribute: { ...attribute, value } } as MessageCondition, NOBODY)
}

/**
 * Points between which the outcome of comparisons with these values cannot change: each value and its next neighbours, and the
 * least value there is. Text is ordered by character code, so the next text after v is v and a NUL.
 */
function pointsFor(comparisons: readonly ComparisonCondition[]): readonly Point[] {
  const points = comparisons.flatMap((condition): Point[] => {
    if (condition.kind === 'text') return ['', condition.folded, `${condition.folded}\0`]
    const { number } = condition
    return [0, number - 1, number, number + 1].filter((point) => point >= 0)
  })
  return [...new Set(points)]
}

/**
 * Every point at which all these conditions of one attribute may hold, as far as comparisons go; where one of them is `=`, the
 * wildcards count too. An empty list is a proof that they never hold together. Undefined: nothing can be said.
 */
function survivors(
  conditions: readonly Condition[],
  others: readonly Condition[] = [],
): readonly Point[] | undefined {
  const comparisons = conditions.filter(isComparison)
  const all = [...comparisons, ...others.filter(isComparison)]
  if (all.length === 0) return undefined
  const fixed = comparisons.some(({ operator }) => operator === '=')
  const counted = fixed ? [...comparisons, ...conditions.filter(isWildcard)] : comparisons
  return pointsFor(all).filter((point) => counted.every((condition) => holdsAt(condition, point)))
}

/** What is the same however it is spelt, but for the operator. */
function canonicalValue(condition: Condition): string {
  switch (condition.kind) {
    case 'number':
      return String(condition.number)
    case 'text':
      return condition.folded
    case 'match':
      return condition.form === 'regex' ? condition.pattern : fold(condition.pattern)
    case 'mx':
      return condition.wildcard
    default:
      return condition satisfies never
  }
}

const operatorOf = (condition: Condition) =>
  condition.kind === 'mx' ? condition.quantifier : condition.operator

/** Do both say the same? */
export function isSameCondition(a: Condition, b: Condition): boolean {
  return (
    a.attribute.name === b.attribute.name &&
    operatorOf(a) === operatorOf(b) &&
    canonicalValue(a) === canonicalValue(b)
  )
}

/** Is one plainly the negation of the other? */
function areOpposed(a: Condition, b: Condition): boolean {
  if (canonicalValue(a) !== canonicalValue(b)) return false
  // Some or all match, and none does.
  if (a.kind === 'mx' && b.kind === 'mx') return (a.quantifier === 'none') !== (b.quantifier === 'none')
  if (a.kind !== 'match' || b.kind !== 'match') return false
  return a.attribute.name === b.attribute.name && a.form === b.form && a.operator !== b.operator
}

/** Two conditions (or one by itself, twice) that exclude each other, if any; undefined: they may all hold. */
export function findContradiction(
  conditions: readonly Condition[],
): readonly [Condition, Condition] | undefined {
  for (const [index, second] of conditions.entries()) {
    const opposite = conditions.slice(0, index).find((first) => areOpposed(first, second))
    if (opposite !== undefined) return [opposite, second]
    if (neverHolds(second)) return [second, second]
  }
  for (const name of new Set(conditions.map(({ attribute }) => attribute.name))) {
    const own = conditions.filter(({ attribute }) => attribute.name === name)
    if (own.length < 2 || survivors(own)?.length !== 0) continue
    // The first pair that is enough; of three that only together exclude each other, the outer two.
    const pair = own
      .flatMap((a, i) => own.slice(i + 1).map((b) => [a, b] as const))
      .find((both) => survivors(both)?.length === 0)
    return pair ?? [own[0]!, own.at(-1)!]
  }
  return findMissingAttempt(conditions)
}

/** A condition on the last reply or failure beside one on `$retries` that only the first attempt fulfils, before which there was none. */
function findMissingAttempt(conditions: readonly Condition[]): readonly [Condition, Condition] | undefined {
  const first = conditions.find(
    (condition) => condition.attribute.name === 'retries' && !holdWithin([condition], Infinity, 1),
  )
  const later = conditions.find(
    (condition) =>
      condition.kind !== 'mx' &&
      (condition.attribute.name === 'reply' || condition.attribute.name === 'failed') &&
      !holdsAt(condition, ''),
  )
  if (first === undefined || later === undefined) return undefined
  return conditions.indexOf(first) < conditions.indexOf(later) ? [first, later] : [later, first]
}

const matchesAll = (condition: Condition) => isWildcard(condition) && /^\*+$/.test(condition.pattern)

/** Does this condition hold for no message? */
function neverHolds(condition: Condition): boolean {
  if (isComparison(condition)) return survivors([condition])?.length === 0
  return matchesAll(condition) && operatorOf(condition) === '~!'
}

/** Does this condition hold for every message? */
export function alwaysHolds(condition: Condition): boolean {
  if (isComparison(condition)) return pointsFor([condition]).every((point) => holdsAt(condition, point))
  return matchesAll(condition) && operatorOf(condition) === '~='
}

/** Does `wanted` hold whenever all of `given` do? */
export function implies(given: readonly Condition[], wanted: Condition): boolean {
  if (alwaysHolds(wanted) || given.some((condition) => isSameCondition(condition, wanted))) return true
  const own = given.filter(({ attribute }) => attribute.name === wanted.attribute.name)
  if (own.length === 0 || wanted.kind === 'mx') return false
  // A pattern can be judged only where the value is known, and a regular expression is not judged.
  const known = own.some((condition) => isComparison(condition) && condition.operator === '=')
  if (wanted.kind === 'match' && (wanted.form === 'regex' || !known)) return false
  return survivors(own, [wanted])?.every((point) => holdsAt(wanted, point)) === true
}

/** Can no message fulfil all of both? */
export function exclude(a: readonly Condition[], b: readonly Condition[]): boolean {
  return findContradiction([...a, ...b]) !== undefined
}

/** Can the conditions on `$retries` hold for a message that was tried `mostRetries` times at most, and `fewest` at least? */
export function holdWithin(conditions: readonly Condition[], mostRetries: number, fewest = 0): boolean {
  const own = conditions.filter(
    (condition): condition is NumericCondition =>
      condition.kind === 'number' && condition.attribute.name === 'retries',
  )
  const points = [...pointsFor(own), fewest, mostRetries].filter(
    (point) => Number(point) <= mostRetries && Number(point) >= fewest,
  )
  return own.length === 0 || points.some((point) => own.every((condition) => holdsAt(condition, point)))
}
