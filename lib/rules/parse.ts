import { exchangeOf, LAST_PRIORITY, parsePriority } from '../model/exchange'
import { nearest } from '../source/suggest'
import { spanOf, type Report } from '../source/report'
import type { Line } from '../source/line'
import { toPrintable } from '../model/printable'
import { CONDITIONS } from './conditions'
import { parseDomainPattern } from './domain-pattern'
import { tokenise, WordReader, type Word } from '../source/word'
import { checkAgain, parseAgain, type Again } from './again'
import { isAttemptsLine } from './mask'
import { OPTIONS, type Option } from './options'
import { reportSpacedConditions } from './spaced-condition'
import { parseTarget, type NamedTargets } from './target'
import type { Condition } from './conditions/condition'
import { rcpt } from './conditions/rcpt'
import { reply } from './conditions/reply'
import type { OverrideLine, Target } from './types'

const LINE_FORM = '<domain pattern> <target> [<condition or option> ...]'
const NO_CONDITIONS: readonly Condition[] = Object.freeze([])

/** Conditions and options of a line. */
interface Qualifiers {
  readonly conditions: readonly Condition[]
  readonly options: readonly Option[]
  readonly priority: OverrideLine['priority']
  readonly again: Again | undefined
}

/** Those of a line that is being read. */
interface OpenQualifiers extends Qualifiers {
  readonly conditions: Condition[]
  readonly options: Option[]
  priority: OverrideLine['priority']
  again: Again | undefined
}

const NO_QUALIFIERS: Qualifiers = Object.freeze({
  conditions: NO_CONDITIONS,
  options: Object.freeze([]),
  priority: undefined,
  again: undefined,
})

/**
 * line      = pattern target { qualifier }        words between spaces and tabs
 * qualifier = condition | "$end" | "$adddns" | "$priority:" number | "$again:" duration
 * condition = "$" attribute operator value | "$dnsmx:" [ "!" ] match | "$dnsmxall:" match
 *
 * Every mistake of the line goes to the report; the line is undefined if there was one.
 */
export function parseOverride(line: Line, names: NamedTargets, report: Report): OverrideLine | undefined {
  const words = tokenise(line.text)
  const comment = words.find(({ text }) => text.startsWith(';') || text.startsWith('#'))
  const [first, second, ...rest] = comment === undefined ? words : words.slice(0, words.indexOf(comment))
  if (first === undefined) return undefined
  const reader = (word: Word) => new WordReader(line, word, report)
  if (second !== undefined && /^(?:=|[=-]>|→)$/.test(second.text) && /[.*?]/.test(first.text)) {
    return reader(second).error('sign-before-target', `"${second.text}" between the domain and the target`, {
      expected: 'only white space between them',
    })
  }
  if (
    rest.some(({ text }) => /^(?:direct|relay)=?$/i.test(text) || /^(?:direct|relay)=\d/i.test(text)) &&
    isAttemptsLine(line.text)
  ) {
    return reader(first).error('attempts-among-overrides', 'a line of [attempts] among override lines', {
      expected: 'this line under the header [attempts]',
    })
  }
  const equals = first.text.indexOf('=')
  if (/[.*?]/.test(first.text.slice(0, Math.max(0, equals)))) {
    return reader(first).error(
      'sign-before-target',
      '"=" between the domain and the target',
      { expected: 'only white space between them' },
      equals,
      equals + 1,
    )
  }
  if (equals !== -1 || second?.text.startsWith('=') === true) {
    return reader(first).error('setting-among-overrides', 'a setting among override lines', {
      expected: 'settings before the first section header, or in the section that they belong to',
    })
  }
  const place = reader(first)
  const pattern = parsePattern(place)
  const target =
    second === undefined ? missingTarget(line, first, report) : parseTarget(reader(second), names)
  // Where the target is missing, the second word is a qualifier.
  const begin = second !== undefined && target === undefined && isQualifier(second) ? [second] : []
  // After a wrong target, words that are not qualifiers belong to the same mistake.
  const later = second !== undefined && target === undefined ? rest.filter(isMeantAsQualifier) : rest
  const qualifiers = parseQualifiers(begin.length === 0 ? later : begin.concat(later), reader)
  if (pattern === undefined || target === undefined || qualifiers === undefined) return undefined
  const { conditions, options, priority } = qualifiers
  return {
    line: line.line,
    pattern: { text: pattern, span: place.span() },
    target,
    conditions: cheapestFirst(conditions),
    priority,
    end: options.includes('end'),
    addDns: options.includes('adddns'),
    readsReply: conditions.some(({ attribute }) => attribute.name === reply.name),
    readsRecipient: conditions.some(({ attribute }) => attribute.name === rcpt.name),
    againMs: qualifiers.again?.ms,
    exchange:
      target.kind === 'direct' || target.kind === 'terms'
        ? undefined
        : exchangeOf(target.relay, { kind: 'line', line: line.line }, priority?.value),
    text: shownText(comment === undefined ? line.text : line.text.slice(0, comment.start).trimEnd(), target),
  }
}

/**
 * Those that need DNS last: one that fails before them saves the lookup. The list is a copy with no room to grow: a rule set keeps
 * very many.
 */
function cheapestFirst(conditions: readonly Condition[]): readonly Condition[] {
  if (conditions.length === 0) return NO_CONDITIONS
  const needsMx = ({ kind }: Condition) => kind === 'mx'
  if (!conditions.some(needsMx)) return conditions.slice()
  return conditions.filter((condition) => !needsMx(condition)).concat(conditions.filter(needsMx))
}

/**
 * The words that are worth looking at: the rest of a regular expression that has white space in it would only repeat the error.
 */
function withoutTails(words: readonly Word[]): readonly Word[] {
  if (words.every(({ text }) => text.startsWith('$') && !text.includes('~'))) return words
  const opened = words.findIndex(({ text }) => /^\$[a-z]+(?:~=|~!|!~)\/[^/]*$/i.test(text))
  const closed =
    opened === -1 ? -1 : words.findIndex(({ text }, index) => index > opened && /\/i?$/.test(text))
  return closed === -1 ? words : [...words.slice(0, opened + 1), ...words.slice(closed + 1)]
}

/** The only secret of a good line is its target's password. */
function shownText(text: string, target: Target): string {
  const hasSecret = target.kind === 'inline' && target.relay.credentials !== undefined
  if (!hasSecret) return toPrintable(text, { line: true })
  const begin = target.span.column - 1
  const place = text.slice(begin, begin + target.span.length)
  const start = place.indexOf(':', /^smtps:/i.test(place) ? 'smtps:'.length : 0) + 1
  const end = place.lastIndexOf('@')
  // Joined and not added up: a sum keeps all its parts in memory until somebody reads it.
  return [text.slice(0, begin + start), ''.padEnd(end - start, '*'), text.slice(begin + end)].join('')
}

function parsePattern(word: WordReader): string | undefined {
  const parsed = parseDomainPattern(word.text)
  if (parsed.ok) return parsed.pattern
  const { problem, start, end, suggestion } = parsed
  return word.error(
    'bad-pattern',
    problem,
    { expected: 'a domain, with * and ? as wildcards', suggestion },
    start,
    end,
  )
}

function missingTarget(line: Line, first: Word, report: Report): undefined {
  const start = first.start
  report.error(
    line,
    spanOf(line.line, start, start + first.text.length),
    'missing-target',
    'a target is missing',
    {
      expected: LINE_FORM,
    },
  )
}

function isQualifier({ text }: Word): boolean {
  const name = /^\$([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? ''
  return CONDITIONS.has(name) || OPTIONS.some((option) => option === name)
}

const isMeantAsQualifier = ({ text }: Word) => /^(?:\$|[=<>!~⇐]+)/.test(text)

/** Reads the words after the target. Undefined if there is a mistake in one. */
function parseQualifiers(words: readonly Word[], reader: (word: Word) => WordReader): Qualifiers | undefined {
  if (words.length === 0) return NO_QUALIFIERS
  const read: OpenQualifiers = { conditions: [], options: [], priority: undefined, again: undefined }
  const spaced = reportSpacedConditions(withoutTails(words), reader)
  const isEachRight = spaced.words.map((word) => parseQualifier(reader(word), read))
  return !spaced.found && !isEachRight.includes(false) && checkAgain(read) ? read : undefined
}

/** What ends the name after the "$" of a condition or an option. */
const NAME_END = /(?<=.)[^a-z_]/is

/** Reads one word after the target. False if there is a mistake in it. */
function parseQualifier(word: WordReader, into: OpenQualifiers): boolean {
  const text = word.text.startsWith('$') ? word.text : ''
  const end = text.search(NAME_END)
  const name = text.slice(1, end === -1 ? undefined : end)
  const rest = text.slice(name.length + 1)
  const key = name.toLowerCase()
  const kind = CONDITIONS.get(key)
  if (kind !== undefined) {
    const condition = kind.parse(word, rest)
    if (condition !== undefined) into.conditions.push(condition)
    return condition !== undefined
  }
  const option = OPTIONS.find((known) => known === key)
  if (option !== undefined) return parseOption(word, option, rest, into)
  reportUnknown(word, name, rest)
  return false
}

function parseOption(word: WordReader, option: Option, rest: string, into: OpenQualifiers): boolean {
  if (option === 'again') {
    const again = parseAgain(word, rest)
    if (again === undefined) return false
    into.again ??= again
  } else if (option === 'priority') {
    const priority = rest.startsWith(':') ? parsePriority(rest.slice(1)) : undefined
    if (priority === undefined) {
      const number = /^[:=<>!~]*(\d{1,5})$/.exec(rest)?.[1]
      const suggestion = rest.startsWith(':') || number === undefined ? undefined : `$priority:${number}`
      word.error('bad-option', 'bad $priority', {
        expected: `$priority:<n>, n from 0 to ${LAST_PRIORITY}`,
        suggestion,
      })
      return false
    }
    into.priority ??= { value: priority, span: word.span() }
  } else if (rest !== '') {
    word.error('bad-option', `$${option} takes no value`, {
      expected: `$${option} by itself`,
      suggestion: `$${option}`,
    })
    return false
  }
  if (into.options.includes(option)) {
    word.error('duplicate-option', `$${option} is given twice`, { expected: 'each option once' })
    return false
  }
  into.options.push(option)
  return true
}

/** What is neither a condition nor an option: say what it was probably meant to be. */
function reportUnknown(word: WordReader, name: string, rest: string): void {
  const { text } = word
  const known = [...CONDITIONS.keys(), ...OPTIONS]
  const expected = `one of ${known.map((each) => `$${each}`).join(', ')}`
  if (/^:?\d{1,5}$/.test(text)) {
    word.error('stray-port', 'white space before a port', {
      expected: 'the port after the host: <host>:<port>',
    })
  } else if (name.toLowerCase() === 'direct' || (text.startsWith('@') && !text.slice(1).includes('@'))) {
    word.error('second-target', 'a second target', {
      expected: 'one target a line; another line for another target',
    })
  } else if (text.startsWith('$')) {
    const near = nearest(name, known)
    const shownName = word.quote(0, name.length + 1)
    word.error(
      'unknown-qualifier',
      name === '' ? 'a name is missing after "$"' : `unknown condition or option ${shownName}`,
      {
        expected,
        suggestion:
          near === undefined
            ? undefined
            : `$${near}${rest.startsWith(':') || /^[=<>!~]/.test(rest) ? word.quote(name.length + 1) : ''}`,
      },
    )
  } else {
    const bare = /^[a-z]+/i.exec(text)?.[0].toLowerCase() ?? ''
    const meant = known.find((each) => each === bare)
    word.error(
      'unknown-qualifier',
      meant === undefined ? 'neither a condition nor an option' : `"$" is missing before ${bare}`,
      {
        expected: `${expected}; a value holds no white space`,
        suggestion: meant === undefined ? undefined : `$${word.quote()}`,
      },
    )
  }
}
