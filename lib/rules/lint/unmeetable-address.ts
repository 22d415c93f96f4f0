import { nameCharacter } from '../../model/character'
import type { Condition } from '../conditions/condition'
import { readOperator } from '../operators'
import { conditionSpan } from '../places'
import { normalizeDomain } from '../domain-pattern'
import type { LintFinding, LintRule } from './lint-rule'
import { overlap } from './patterns'

/** The attributes whose value is an address (RFC 5321 section 4.1.2) or, for the null sender, empty. */
const ADDRESSES: ReadonlySet<string> = new Set(['from', 'rcpt'])

/** Why no address can be this value, and what was meant. */
interface Flaw {
  readonly problem: string
  /** The condition after its name. */
  readonly suggestion?: string
}

function findFlaw(value: string, isPattern: boolean): Flaw | undefined {
  const operator = isPattern ? '~=' : '='
  if (/^(?:".+"|'.+'|[\u201c\u201d].+[\u201c\u201d]|[\u2018\u2019].+[\u2018\u2019])$/.test(value)) {
    return { problem: 'an address has no quotes around it', suggestion: `${operator}${value.slice(1, -1)}` }
  }
  if (value.startsWith('<') || value.endsWith('>')) {
    const problem = 'an address is written without angle brackets'
    return { problem, suggestion: `${operator}${value.replace(/^[^<]*<|>$/g, '')}` }
  }
  if (/^mailto:/i.test(value)) {
    return { problem: 'an address is written without mailto:', suggestion: `${operator}${value.slice(7)}` }
  }
  if (value.startsWith('@')) {
    return { problem: 'an address has a local part before its @', suggestion: `~=*${value}` }
  }
  if (value.endsWith('@')) {
    return { problem: 'an address has a domain after its @', suggestion: `~=${value}*` }
  }
  if (/^[^\s"@,]+@[^\s"@,]+(?:,[^\s"@,]+@[^\s"@,]+)+$/.test(value)) {
    return { problem: 'these are several addresses, and a condition compares with one' }
  }
  if (/^[^"@]+@[^"@]*@[^"]*$/.test(value)) return { problem: 'an address has one @' }
  const blank = /[^\P{Zs} ]/u.exec(value)?.[0]
  if (blank !== undefined) return { problem: `${nameCharacter(blank)} is part of the value` }
  // A wildcard may take in the "@". A message to postmaster needs no domain (RFC 5321 section 4.5.1).
  if (value.includes('@') || (isPattern && /[*?]/.test(value)) || /^(?:postmaster)?$/i.test(value))
    return undefined
  return { problem: 'an address has an @', suggestion: value.includes('.') ? `~=*@${value}` : `~=${value}@*` }
}

/** What is compared with the whole address: a text, or a wildcard. Ordered comparisons and expressions are something else. */
function findCondition(condition: Condition): (Flaw & { readonly negated: boolean }) | undefined {
  if (condition.kind !== 'text' && condition.kind !== 'match') return undefined
  const { attribute, operator, text } = condition
  if (!ADDRESSES.has(attribute.name)) return undefined
  const isPattern = condition.kind === 'match'
  if (isPattern ? condition.form === 'regex' : operator !== '=' && operator !== '<>') return undefined
  const rest = text.slice(1 + attribute.name.length)
  const value = rest.slice(readOperator(rest)?.spelling.length ?? 0)
  if (value === attribute.empty) return undefined
  const flaw = findFlaw(value, isPattern)
  if (flaw === undefined) return undefined
  const negated = operator === '<>' || operator === '~!'
  const { problem, suggestion } = flaw
  if (suggestion === undefined) return { problem, negated }
  const meant = negated ? suggestion.replace(/^~=/, '~!').replace(/^=/, '<>') : suggestion
  return { problem, suggestion: `$${attribute.name}${meant}`, negated }
}

/** A recipient of a domain that the line is not about. */
function findForeignRecipient(
  condition: Condition,
  pattern: string,
): (Flaw & { negated: false }) | undefined {
  if (condition.attribute.name !== 'rcpt') return undefined
  const value =
    condition.kind === 'text' && condition.operator === '='
      ? condition.folded
      : condition.kind === 'match' && condition.form === 'wildcard' && condition.operator === '~='
        ? condition.pattern
        : ''
  const [, written = ''] = /@([^@*?]+)$/.exec(value) ?? []
  const domain = normalizeDomain(written)
  if (domain === undefined || overlap(pattern, domain)) return undefined
  return { problem: `this line is for recipients of ${pattern}`, negated: false }
}

/**
 * A value of `$from` or `$rcpt` that no address can have, such as `@example.com`, `<joe@example.com>` or a name without an `@`; or that no
 * recipient of the line can have.
 */
export const unmeetableAddress: LintRule = {
  code: 'unmeetable-address',
  find: ({ lines }) =>
    lines.flatMap((line) =>
      line.conditions.flatMap((condition): LintFinding[] => {
        const found = findCondition(condition) ?? findForeignRecipient(condition, line.pattern)
        if (found === undefined) return []
        const { problem, suggestion, negated } = found
        const message = `${condition.text} is ${negated ? 'always' : 'never'} true: ${problem}`
        return [
          { span: conditionSpan(line, condition), lineKind: 'overrides', message, help: { suggestion } },
        ]
      }),
    ),
}
