import { LAST_PRIORITY, parsePriority } from '../model/exchange'
import { nearest } from '../source/suggest'
import type { Word, WordReader } from '../source/word'
import { checkAgain, parseAgain, type Again } from './again'
import { CONDITIONS } from './conditions'
import type { Condition } from './conditions/condition'
import { rcpt } from './conditions/rcpt'
import { reply } from './conditions/reply'
import { OPTIONS, type Option } from './options'
import { reportSpacedConditions } from './spaced-condition'
import type { OverrideLine } from './types'

/** What the conditions and options of a line say. */
export type Qualifiers = Pick<
  OverrideLine,
  'conditions' | 'priority' | 'end' | 'addDns' | 'readsReply' | 'readsRecipient' | 'againMs'
>

/** Those of a line that is being read. */
interface OpenQualifiers {
  readonly conditions: Condition[]
  readonly options: Option[]
  priority: number | undefined
  again: Again | undefined
}

const NO_CONDITIONS: readonly Condition[] = Object.freeze([])

/** What has been read, in the form that lines have. */
const close = ({ conditions, options, priority, again }: OpenQualifiers): Qualifiers => ({
  conditions: cheapestFirst(conditions),
  priority,
  end: options.includes('end'),
  addDns: options.includes('adddns'),
  readsReply: conditions.some(({ attribute }) => attribute.name === reply.name),
  readsRecipient: conditions.some(({ attribute }) => attribute.name === rcpt.name),
  againMs: again?.ms,
})

const NO_QUALIFIERS = Object.freeze(
  close({ conditions: [], options: [], priority: undefined, again: undefined }),
)

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

/** Is a word a condition or an option, as its name says? */
export function isQualifier({ text }: Word): boolean {
  const name = /^\$([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? ''
  return CONDITIONS.has(name) || OPTIONS.some((option) => option === name)
}

/** Does a word begin like a qualifier? */
export const isMeantAsQualifier = ({ text }: Word) => /^(?:\$|[=<>!~⇐]+)/.test(text)

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

/**
 * qualifier = condition | "$end" | "$adddns" | "$priority:" number | "$again:" duration
 * condition = "$" attribute operator value | "$dnsmx:" [ "!" ] match | "$dnsmxall:" match
 *
 * Reads the words after the target. Undefined if there is a mistake in one.
 */
export function parseQualifiers(
  words: readonly Word[],
  reader: (word: Word) => WordReader,
): Qualifiers | undefined {
  if (words.length === 0) return NO_QUALIFIERS
  const read: OpenQualifiers = { conditions: [], options: [], priority: undefined, again: undefined }
  const spaced = reportSpacedConditions(withoutTails(words), reader)
  const isEachRight = spaced.words.map((word) => parseQualifier(reader(word), read))
  return !spaced.found && !isEachRight.includes(false) && checkAgain(read) ? close(read) : undefined
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
    into.priority ??= priority
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
