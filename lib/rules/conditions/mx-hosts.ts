import type { MxAnswer } from '../../model/dns-answer'
import type { WordReader } from '../../source/word'
import { parseDomainPattern } from '../domain-pattern'
import { shortenText } from '../fold'
import { compileWildcard, type Matcher } from '../wildcard'
import { restStart, type ConditionKind, type Written } from './condition-kind'

/** How many of the MX hosts must match: `any` and `all` need at least one host. */
export type Quantifier = 'any' | 'none' | 'all'

/** What sets one condition on MX hosts apart from another. */
export interface MxAttribute {
  readonly name: string
  readonly form: string
  /** What `:<match>` asks. */
  readonly plain: Quantifier
  /** What `:!<match>` asks; absent where it must not be written. */
  readonly negated?: Quantifier
}

/** `$name:<match>` or `$name:!<match>`. */
export interface MxCondition extends Written {
  readonly kind: 'mx'
  readonly attribute: MxAttribute
  readonly quantifier: Quantifier
  /** In the form that host names have. */
  readonly wildcard: string
  readonly matches: Matcher
}

/** An MX answer that says something: no implicit MX, null MX or missing domain has an MX host. */
type KnownMx = Exclude<MxAnswer, { kind: 'failed' }>

/** Does the condition hold for these MX records? Without any, only `none` does. */
export function mxHolds({ quantifier, matches }: MxCondition, answer: KnownMx): boolean {
  if (answer.kind !== 'mx') return quantifier === 'none'
  const { records } = answer
  switch (quantifier) {
    case 'any':
      return records.some(({ exchange }) => matches(exchange))
    case 'none':
      return !records.some(({ exchange }) => matches(exchange))
    case 'all':
      return records.length > 0 && records.every(({ exchange }) => matches(exchange))
    default:
      return quantifier satisfies never
  }
}

/** The MX records as a reason shows them. */
export function mxSeen(answer: KnownMx): string {
  switch (answer.kind) {
    case 'mx':
      return `MX is ${shortenText(answer.records.map(({ exchange }) => exchange).join(', '))}`
    case 'nodata':
      return 'there is no MX'
    case 'nullmx':
      return 'the domain has a null MX'
    case 'nxdomain':
      return 'the domain does not exist'
    default:
      return answer satisfies never
  }
}

/** `$name:<match>`, and `$name:!<match>` where the attribute can be negated. */
export function mxCondition(attribute: MxAttribute): ConditionKind<MxCondition> {
  return {
    name: attribute.name,
    form: attribute.form,
    parse: (word, rest) => parseMxCondition(attribute, word, rest),
  }
}

function parseMxCondition(attribute: MxAttribute, word: WordReader, rest: string): MxCondition | undefined {
  const { name, plain, negated } = attribute
  const start = restStart(word, rest)
  const expected = `$${name}:<wildcard for MX host names>`
  if (!rest.startsWith(':')) {
    const operator = /^(?:[=<>~!:]+|⇐)/.exec(rest)?.[0] ?? ''
    const value = rest.slice(operator.length)
    // Only $dnsmx can be negated.
    const form = operator === '<>' || operator.includes('!') ? '$dnsmx:!' : `$${name}:`
    const suggestion = value === '' ? undefined : `${form}${value}`
    const what = rest === '' ? `$${name} without a value` : `$${name} takes ":" and no operator`
    return word.error('missing-colon', what, { expected, suggestion })
  }
  const isNegated = rest.startsWith(':!')
  const quantifier = isNegated ? negated : plain
  if (quantifier === undefined) {
    const help = { expected, suggestion: `$dnsmx:${rest.slice(1)}` }
    return word.error('no-negation', `$${name} cannot be negated`, help, start + 1, start + 2)
  }
  const matchAt = start + (isNegated ? 2 : 1)
  const written = rest.slice(isNegated ? 2 : 1)
  if (written === '') return word.error('missing-value', `$${name} without a value`, { expected })
  const parsed = parseDomainPattern(written)
  if (!parsed.ok || written.startsWith('[')) {
    const problem = parsed.ok ? 'an address literal, and an MX names a host' : parsed.problem
    return word.error('bad-pattern', problem, { expected }, matchAt)
  }
  const wildcard = parsed.pattern
  const matches = compileWildcard(wildcard)
  return { kind: 'mx', attribute, quantifier, wildcard, matches, text: word.text }
}
