import type { Section } from './section'
import { spanOf, type Report } from '../source/report'
import type { DiagnosticCode } from '../source/diagnostic'
import { type Line } from '../source/line'
import { nearest } from '../source/suggest'
import type { AttemptsEntry } from './types'

const FORM = '<domain pattern> direct=<n> relay=<m>'
/** More attempts than any list of retry intervals gives. */
const MOST = 1000

/** Lines between two chances for the event loop to run. */
const CHUNK = 64

/** Section `[attempts]`. The patterns themselves are checked where all patterns are. Yields now and then. */
export function* readAttempts(
  section: Section | undefined,
  hasRelays: boolean,
  report: Report,
): Generator<undefined, AttemptsEntry[]> {
  const entries: AttemptsEntry[] = []
  let defaultLine: number | undefined
  for (const [index, line] of (section?.lines ?? []).entries()) {
    if (index % CHUNK === CHUNK - 1) yield
    const entry = readEntry(line, hasRelays, report)
    if (entry === undefined) continue
    if (defaultLine !== undefined) {
      report.warning(line, entry.span, 'never-reached', 'this entry is never used', {
        expected: 'the entry for * last',
        related: { line: defaultLine, message: '* matches every domain' },
      })
    }
    if (entry.pattern === '*') defaultLine ??= line.line
    entries.push(entry)
  }
  return entries
}

function readEntry(line: Line, hasRelays: boolean, report: Report): AttemptsEntry | undefined {
  // White space around "=" is a mistake, and `direct = 2` is one word of it.
  const words = [...line.text.matchAll(/[a-z]+\s+=\s*[^\s=;]*|[a-z]+=\s+[^\s=;]+|\S+/gi)]
  const comment = words.findIndex(([word]) => word.startsWith(';'))
  const [pattern, ...rest] = comment === -1 ? words : words.slice(0, comment)
  if (pattern === undefined) return undefined
  const numbers = new Map<string, number>()
  let good = true
  const fail = (
    word: RegExpMatchArray,
    code: DiagnosticCode,
    message: string,
    expected: string,
    suggestion?: string,
  ) => {
    good = false
    report.error(line, spanOf(line.line, word.index!, word.index! + word[0].length), code, message, {
      expected,
      suggestion,
    })
  }
  for (const word of rest) {
    const [, key = '', before = '', after = '', value = ''] = /^([a-z]+)(\s*)=(\s*)(.*)$/i.exec(word[0]) ?? []
    const name = key.toLowerCase()
    const hasBlanks = before !== '' || after !== ''
    if ((name === 'direct' || name === 'relay') && hasBlanks) {
      fail(
        word,
        'bad-attempts',
        'white space around "="',
        FORM,
        `${name}=${/^\d+$/.test(value) ? value : '<n>'}`,
      )
      continue
    }
    if (name !== 'direct' && name !== 'relay') {
      const near = nearest(name === '' ? word[0] : name, ['direct', 'relay'])
      fail(
        word,
        'bad-attempts',
        'neither direct=<n> nor relay=<m>',
        FORM,
        near && `${near}=${/^\d+$/.test(value) ? value : '<n>'}`,
      )
    } else if (numbers.has(name)) {
      fail(word, 'duplicate-key', `${name} is given twice`, FORM)
    } else if (!/^\d+$/.test(value) || Number(value) > MOST) {
      fail(word, 'bad-value', `bad number of attempts for ${name}`, `a whole number from 0 to ${MOST}`)
      numbers.set(name, 0)
    } else {
      numbers.set(name, Number(value))
      if (name === 'relay' && Number(value) > 0 && !hasRelays) {
        fail(
          word,
          'no-relays',
          'attempts through relays, but the file has no relay',
          'a section [relay:NAME]',
        )
      }
    }
  }
  const direct = numbers.get('direct')
  const relay = numbers.get('relay')
  if (good && (direct === undefined || relay === undefined)) {
    fail(pattern, 'bad-attempts', `${direct === undefined ? 'direct' : 'relay'} is missing`, FORM)
  }
  if (!good || direct === undefined || relay === undefined) return undefined
  const span = spanOf(line.line, pattern.index, pattern.index + pattern[0].length)
  if (direct === 0 && relay === 0) {
    const message = 'no attempts: a message that no override line matches bounces'
    report.warning(line, span, 'no-attempts', message)
  }
  return { pattern: pattern[0], direct, relay, span }
}
