import { exchangeOf } from '../model/exchange'
import { toPrintable } from '../model/printable'
import type { Line } from '../source/line'
import { spanOf, type Report } from '../source/report'
import { tokenise, WordReader, type Word } from '../source/word'
import { copyText } from './copy-text'
import { parseDomainPattern } from './domain-pattern'
import { isAttemptsLine } from './mask'
import { isMeantAsQualifier, isQualifier, parseQualifiers, type Qualifiers } from './qualifiers'
import { SharedParts } from './shared-parts'
import { parseTarget, type NamedTargets } from './target'
import type { OverrideLine, Target } from './types'

const LINE_FORM = '<domain pattern> <target> [<condition or option> ...]'

/** Reads the override lines of one file. */
export class OverrideParser {
  readonly #names: NamedTargets
  readonly #report: Report
  readonly #targets: SharedParts<Target>
  readonly #qualifiers: SharedParts<Qualifiers>

  /**
   * @param names what `@NAME` stands for
   * @param report to which the mistakes go
   */
  constructor(names: NamedTargets, report: Report) {
    this.#names = names
    this.#report = report
    this.#targets = new SharedParts(report)
    this.#qualifiers = new SharedParts(report)
  }

  /**
   * line      = pattern target { qualifier }        words between spaces and tabs
   *
   * Every mistake of the line goes to the report; the line is undefined if there was one.
   */
  parse(line: Line): OverrideLine | undefined {
    const words = tokenise(line.text)
    const comment = words.find(({ text }) => text.startsWith(';') || text.startsWith('#'))
    const [first, second, ...rest] = comment === undefined ? words : words.slice(0, words.indexOf(comment))
    if (first === undefined) return undefined
    const reader = (word: Word) => new WordReader(line, word, this.#report)
    if (second !== undefined && /^(?:=|[=-]>|→)$/.test(second.text) && /[.*?]/.test(first.text)) {
      const problem = `"${second.text}" between the domain and the target`
      return reader(second).error('sign-before-target', problem, {
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
    const pattern = parsePattern(reader(first))
    const target =
      second === undefined
        ? missingTarget(line, first, this.#report)
        : this.#targets.find(second.text, () => parseTarget(reader(second), this.#names))
    const qualifiers =
      second !== undefined && target === undefined
        ? parseQualifiers(qualifiersAfterMistake(second, rest), reader)
        : this.#parseQualifiers(line, rest, reader)
    if (pattern === undefined || target === undefined || qualifiers === undefined) return undefined
    const { conditions, end, addDns, againMs, readsReply, readsRecipient, priority } = qualifiers
    const text = comment === undefined ? line.text : line.text.slice(0, comment.start).trimEnd()
    // What every decision reads comes first: V8 keeps the order, and so it is in one or two lines of the cache of the processor.
    return {
      line: line.line,
      conditions,
      exchange:
        target.kind === 'direct' || target.kind === 'terms'
          ? undefined
          : exchangeOf(target.relay, { kind: 'line', line: line.line }, priority),
      end,
      addDns,
      againMs,
      readsReply,
      readsRecipient,
      priority,
      pattern: copyText(pattern),
      target,
      text: shownText(text, target, second!.start),
    }
  }

  #parseQualifiers(
    line: Line,
    words: readonly Word[],
    reader: (word: Word) => WordReader,
  ): Qualifiers | undefined {
    const read = () => parseQualifiers(words, reader)
    const [first] = words
    if (first === undefined) return read()
    const { start, text } = words.at(-1)!
    return this.#qualifiers.find(line.text.slice(first.start, start + text.length), read)
  }
}

/** The words that are read after a target with a mistake: a second word that is a qualifier shows that the target is missing. */
const qualifiersAfterMistake = (second: Word, rest: readonly Word[]): readonly Word[] => [
  ...(isQualifier(second) ? [second] : []),
  // Words that are not qualifiers belong to the same mistake.
  ...rest.filter(isMeantAsQualifier),
]

/** The only secret of a good line is its target's password. */
function shownText(text: string, target: Target, begin: number): string {
  const hasSecret = target.kind === 'inline' && target.relay.credentials !== undefined
  if (!hasSecret) return toPrintable(text, { line: true })
  const place = /^[^ \t]*/.exec(text.slice(begin))![0]
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
