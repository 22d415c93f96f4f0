import type { MxAnswer } from '../../model/dns-answer'
import { parseDomainPattern } from '../domain-pattern'
import type { WordReader } from '../../source/word'
import { shown } from '../text'
import type { Condition, Outcome } from '../types'
import { compileWildcard, type Matcher } from '../wildcard'
import { restStart } from './kind'

/** The MX host names of a domain; none where there is no MX, be it implicit, null or because the domain does not exist. */
type Hosts = readonly string[]

/** Reads `:<match>` or `:!<match>`, and gives the condition on the MX host names that `holds` makes of it. */
export function mxCondition(
  word: WordReader,
  rest: string,
  options: {
    readonly name: string
    readonly mayNegate: boolean
    readonly holds: (hosts: Hosts, matches: Matcher, negated: boolean) => boolean
  },
): Condition | undefined {
  const { name, mayNegate, holds } = options
  const start = restStart(word, rest)
  const expected = `$${name}:<wildcard for MX host names>`
  if (!rest.startsWith(':')) {
    const operator = /^(?:[=<>~!]+|⇐)/.exec(rest)?.[0] ?? ''
    const negation = mayNegate && /^(!=|<>|~!|!~)$/.test(operator) ? '!' : ''
    const value = rest.slice(operator.length)
    const suggestion = value === '' ? undefined : `$${name}:${negation}${value}`
    const what = rest === '' ? `$${name} without a value` : `$${name} takes ":" and no operator`
    return word.error('missing-colon', what, { expected, suggestion })
  }
  const negated = rest.startsWith(':!')
  if (negated && !mayNegate) {
    const help = { expected, suggestion: `$dnsmx:${rest.slice(1)}` }
    return word.error('no-negation', `$${name} cannot be negated`, help, start + 1, start + 2)
  }
  const matchAt = start + (negated ? 2 : 1)
  const text = rest.slice(negated ? 2 : 1)
  if (text === '') return word.error('missing-value', `$${name} without a value`, { expected })
  const parsed = parseDomainPattern(text)
  if (!parsed.ok || text.startsWith('[')) {
    const problem = parsed.ok ? 'an address literal, and an MX names a host' : parsed.problem
    return word.error('bad-pattern', problem, { expected }, matchAt)
  }
  const matches = compileWildcard(parsed.pattern)
  const judge = (answer: MxAnswer): Outcome => {
    if (answer.kind === 'failed') {
      return {
        holds: 'undecided',
        reason: `${word.text} is undecided: the MX lookup failed (${shown(answer.error.message)})`,
      }
    }
    const hosts = answer.kind === 'mx' ? answer.records.map(({ exchange }) => exchange) : []
    return holds(hosts, matches, negated)
      ? { holds: true }
      : { holds: false, reason: `${word.text} is false: ${seenText(answer)}` }
  }
  return {
    attribute: name,
    operator: negated ? ':!' : ':',
    text: word.text,
    span: word.span(),
    needsMx: true,
    test: async (facts) => judge(await facts.mx()),
  }
}

function seenText(answer: Exclude<MxAnswer, { kind: 'failed' }>): string {
  switch (answer.kind) {
    case 'mx':
      return `MX is ${shown(answer.records.map(({ exchange }) => exchange).join(', '))}`
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
