import { nameCharacter } from '../model/character'
import {
  findDisallowedCharacter,
  isLiteral,
  splitLabels,
  lowerAscii,
  toALabel,
  toALabels,
} from '../model/domain'

/**
 * A recipient domain as the rules compare it and as it is printed: A-labels in lower case without a trailing dot (RFC 5891,
 * 4343), or a domain literal as written. Undefined for a text that is not a domain. Never throws.
 */
export function normalizeDomain(text: string): string | undefined {
  if (isLiteral(text)) return /\s/.test(text) ? undefined : text
  return toALabels(text)
}

/** What {@link parseDomainPattern} gives: the pattern in the form that domains have, or what is wrong with it. */
export type DomainPattern =
  | { readonly ok: true; readonly pattern: string }
  | {
      readonly ok: false
      readonly problem: string
      /** The part of the text that is wrong. */
      readonly start: number
      readonly end: number
      readonly suggestion?: string
    }

const isWild = (text: string) => /[*?]/.test(text)

/** What is wrong with one label, or the label as A-label. Wildcards stay. */
function parseLabel(label: string): { label: string } | { problem: string } {
  if (label === '') return { problem: 'an empty label' }
  if (!isWild(label)) {
    const ascii = toALabel(label)
    if (ascii !== undefined) return { label: ascii }
    if (label.length > 63) return { problem: 'a label of more than 63 characters' }
  }
  const lower = lowerAscii(label)
  if (/^[a-z0-9_*?-]*$/.test(lower)) return { label: lower }
  return {
    problem: isWild(label) ? 'a wildcard in a label that is not ASCII' : 'a label that IDNA does not allow',
  }
}

/**
 * A domain pattern with `*` and `?`, in the form that {@link normalizeDomain} gives domains; a literal in lower case. Labels are
 * turned into A-labels one by one, so a wildcard can only stand in or beside ASCII text within its own label.
 */
export function parseDomainPattern(text: string): DomainPattern {
  if (text.startsWith('[')) {
    if (isLiteral(text)) return { ok: true, pattern: text.toLowerCase() }
    return { ok: false, problem: 'a domain literal without its "]"', start: 0, end: text.length }
  }
  if (/^[a-z0-9_*?-]+(?:\.[a-z0-9_*?-]+)*$/.test(text) && text.length <= 63)
    return { ok: true, pattern: text }
  const at = text.indexOf('@')
  if (at !== -1) {
    const domain = text.slice(text.lastIndexOf('@') + 1)
    const better = parseDomainPattern(domain)
    return {
      ok: false,
      problem: 'an address where a domain is expected',
      start: 0,
      end: text.length,
      ...(better.ok ? { suggestion: better.pattern } : {}),
    }
  }
  const odd = findDisallowedCharacter(text)
  if (odd !== undefined) {
    const { character, start } = odd
    const problem = `${nameCharacter(character)} is not allowed in a domain`
    return { ok: false, problem, start, end: start + character.length }
  }
  const labels: string[] = []
  let start = 0
  for (const label of splitLabels(text)) {
    const parsed = parseLabel(label)
    if ('problem' in parsed) {
      const leading =
        label === '' && start === 0 && text.length > 1 ? parseDomainPattern(`*${text}`) : undefined
      return {
        ok: false,
        problem: parsed.problem,
        start,
        end: Math.max(start + label.length, start + 1),
        ...(leading?.ok === true ? { suggestion: leading.pattern } : {}),
      }
    }
    labels.push(parsed.label)
    start += label.length + 1
  }
  const pattern = labels.join('.')
  return pattern.length > 253 && !pattern.includes('*')
    ? { ok: false, problem: 'a domain of more than 253 characters', start: 0, end: text.length }
    : { ok: true, pattern }
}
