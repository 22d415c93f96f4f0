import { nameCharacter } from '../model/character'
import type { Span } from '../source/diagnostic'
import type { Line } from '../source/line'
import { spanOf, type Report } from '../source/report'
import { nearest, nearestFew } from '../source/suggest'
import { homeOf, KEYS, knownKey, sectionPlace, type KeyedSection } from './keys'
import type { SettingLine } from './section'

/** A longer list of keys helps nobody. */
const MOST_LISTED = 10
/** What is shown of one. */
const FEW = 3

const SETTING = /^([ \t]*)([^\s=]+)[ \t]*=(.*)$/s
const TOP_KEY = new RegExp(`^(\\s*)(${KEYS.top.join('|')})(?=:?(?:\\s|$))`, 'i')

/** Is it a `key = value` line? One look for "=" first: a pasted list may have very many lines. */
export const isSetting = (text: string): boolean => text.includes('=') && SETTING.test(text)

/** Does it begin with a setting that stands before the first header, without "="? */
export const isMissingEquals = (text: string): boolean => TOP_KEY.test(text)

/** Before the first header a line is an override line, unless it begins with the name of a setting. */
export function reportMissingEquals(source: Line, report: Report): void {
  const [, lead = '', word = ''] = TOP_KEY.exec(source.text) ?? []
  const key = knownKey('top', word) ?? word
  const span = spanOf(source.line, lead.length, lead.length + word.length)
  const expected = `${key} = value`
  const blankAt = lead.length + word.length
  const [blank] = /^[^\P{Zs} ]/u.exec(source.text.slice(blankAt)) ?? []
  if (blank !== undefined) {
    const problem = `${nameCharacter(blank)} is not white space here`
    return report.error(source, spanOf(source.line, blankAt, blankAt + 1), 'missing-equals', problem, {
      expected,
    })
  }
  report.error(source, span, 'missing-equals', `"=" is missing after ${key}`, { expected })
}

/**
 * Reads a `key = value` line, and adds it to the settings of its section. Mistakes go to the report.
 *
 * @param kind the section that the line stands in
 */
export function parseSetting(
  source: Line,
  kind: KeyedSection,
  settings: Map<string, SettingLine>,
  report: Report,
): void {
  const match = SETTING.exec(source.text)
  if (match === null) {
    const start = source.text.search(/\S/)
    report.error(
      source,
      spanOf(source.line, start, source.text.trimEnd().length),
      'not-a-setting',
      'not a setting',
      {
        expected: 'key = value; override lines stand at the top or under [overrides]',
      },
    )
    return
  }
  const [, lead = '', word = '', rest = ''] = match
  const keySpan = spanOf(source.line, lead.length, lead.length + word.length)
  const key = knownKey(kind, word)
  if (key === undefined) {
    reportUnknownKey(source, keySpan, word, kind, report)
    return
  }
  const earlier = settings.get(key)
  if (earlier !== undefined) {
    report.error(source, keySpan, 'duplicate-key', `${key} is given twice`, {
      expected: 'each key once',
      related: { line: earlier.source.line, message: 'first given here' },
    })
    return
  }
  const comment = /[ \t];/.exec(rest)
  const value = rest.slice(0, comment?.index)
  const blank = value.trim() === '' ? 0 : value.length - value.trimStart().length
  const start = source.text.length - rest.length + blank
  const valueSpan = spanOf(source.line, start, start + value.trim().length)
  settings.set(key, { key, value: value.trim(), keySpan, valueSpan, source })
}

function reportUnknownKey(source: Line, span: Span, word: string, kind: KeyedSection, report: Report): void {
  const quoted = report.quote(source, span)
  const home = homeOf(word)
  if (kind === 'top' && home === undefined && nearest(word, KEYS.top) === undefined && /[.*?]/.test(word)) {
    report.error(source, span, 'unknown-key', `${quoted} is not a setting`, {
      expected: 'an override line without "=": a domain, white space, a target',
    })
    return
  }
  const elsewhere =
    home === undefined || home === kind ? '' : `; ${word.toLowerCase()} belongs ${sectionPlace(home)}`
  report.error(source, span, 'unknown-key', `unknown setting ${quoted}`, {
    expected: `${expectedKeys(word, kind)}${elsewhere}`,
    suggestion: nearest(word, KEYS[kind]),
  })
}

/** The keys of a section; of many those that are spelt most like the word. */
function expectedKeys(word: string, kind: KeyedSection): string {
  const keys = KEYS[kind]
  if (keys.length <= MOST_LISTED) return `one of ${keys.join(', ')}`
  const few = nearestFew(word, keys, FEW)
  const shown = `${few.slice(0, -1).join(', ')} or ${few.at(-1)}`
  return `a key ${sectionPlace(kind)}, such as ${shown}; docs/reference.md lists them all`
}
