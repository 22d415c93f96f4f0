import { nameCharacter } from '../model/character'
import { isIPv6 } from 'node:net'
import { findDisallowedCharacter, toALabels, toHost } from '../model/domain'
import type { Span } from '../source/diagnostic'
import { homeOf, knownKey, KEYS, SECTION_NAMES, type KeyedSection } from './keys'
import { type SectionKind } from '../source/line'
import { spanOf, type Report } from '../source/report'
import { type Line } from '../source/line'
import { nearest } from '../source/suggest'
import type { Setting } from './types'

/** A `key = value` line with the line that it stands on; `key` is spelt as we do. */
export interface SettingLine extends Setting {
  readonly source: Line
}

/** One section: its settings by key, and its other lines. */
export interface Section {
  readonly kind: SectionKind
  /** Of `[relay:NAME]`, as written; of `[zone:DOMAIN]`, as A-labels in lower case. */
  readonly name?: string
  /** The header; absent for what stands before the first. */
  readonly header?: { readonly source: Line; readonly span: Span }
  readonly settings: ReadonlyMap<string, SettingLine>
  readonly lines: readonly Line[]
}

interface OpenSection extends Section {
  readonly settings: Map<string, SettingLine>
  readonly lines: Line[]
}

/** A line is read in one step, so its length is limited. */
const LONGEST_LINE = 65_536

/** More than any configuration has; what follows is not read. */
const MOST_SECTIONS = 10_000

/** Lines between two chances for the event loop to run. */
const CHUNK = 256

const SETTING = /^([ \t]*)([^\s=]+)[ \t]*=(.*)$/s
const TOP_KEY = new RegExp(`^(\\s*)(${KEYS.top.join('|')})(?=:?(?:\\s|$))`, 'i')
/** A domain literal at the start of an override line, with or without wildcards; not the header of a section. */
const LITERAL_LINE = /^\s*\[(?:ipv6:[^\]\s]*|[\d.*?]+)\](?=\s|$)/i

/** `[host]:port` or `[host.name]` before other text: how Postfix writes a server (postconf(5), relayhost). */
const POSTFIX_LINE = /^\s*\[([^\]\s]*)\](?:(:\d{1,5})(?=\s|$)|(?<=\.[^\]]*\])(?=\s+[^\s;]))/

/** The lines of a text: LF, CRLF and a lone CR end one; a byte order mark before the first is dropped. */
function* linesOf(text: string): Generator<{ number: number; text: string }> {
  const ends = /\r\n|\n|\r/g
  let start = text.startsWith('\ufeff') ? 1 : 0
  for (let number = 1; start <= text.length; number++) {
    ends.lastIndex = start
    const end = ends.exec(text)
    yield { number, text: text.slice(start, end?.index) }
    if (end === null) return
    start = ends.lastIndex
  }
}

/** `[name]`, `[ relay : isp ]`, with a trailing comment; the closing bracket may have been forgotten. */
const HEADER = /^\s*\[([^\]]*)(\])?(.*)$/s

function sectionKind(name: string): SectionKind {
  switch (name.toLowerCase()) {
    case 'overrides':
      return 'overrides'
    case 'dns':
      return 'dns'
    case 'attempts':
      return 'attempts'
    case 'redis':
      return 'redis'
    case 'status':
      return 'status'
    case 'tests':
      return 'tests'
    default:
      if (/^zone\s*:/i.test(name)) return 'zone'
      if (/^direct\s*(?::|$)/i.test(name)) return 'direct'
      return /^relay\s*:/i.test(name) ? 'relay' : 'unknown'
  }
}

const open = (kind: SectionKind, rest: Partial<Section> = {}): OpenSection => ({
  ...rest,
  kind,
  settings: new Map(),
  lines: [],
})

/** The identity of a section: what may be in the file once; `[overrides]` may come again. */
const identity = (section: Section) => `${section.kind}:${section.name?.toLowerCase() ?? ''}`

/**
 * file     = { comment | header | setting | line }
 * comment  = blank { any } | blank (";" | "#") { any }
 * header   = "[" name "]" [ white-space ";" { any } ]
 * setting  = key "=" value [ white-space ";" { any } ]      key: one word
 * line     = an override, attempts or tests line, as its section has it
 *
 * Yields now and then, so that a caller may let others run. Never throws; mistakes go to the report.
 */
export function* parseFile(text: string, report: Report): Generator<void, readonly Section[]> {
  const sections: Section[] = []
  const seen = new Map<string, Section>()
  let section = open('top')
  sections.push(section)
  for (const { number, text: lineText } of linesOf(text)) {
    if (number % CHUNK === 0) yield
    const first = /\S/.exec(lineText)?.[0]
    if (first === undefined || first === ';' || first === '#') continue
    if (lineText.length > LONGEST_LINE) {
      // Only its beginning is kept: nothing else of it is looked at.
      const source = { line: number, text: lineText.slice(0, LONGEST_LINE), kind: 'unknown' } as const
      const message = `a line of more than ${LONGEST_LINE.toLocaleString('en')} characters`
      report.error(source, spanOf(number, 0, 1), 'long-line', message, { expected: 'shorter lines' })
    } else if (first === '[' && POSTFIX_LINE.test(lineText) && !LITERAL_LINE.test(lineText)) {
      reportPostfixLine({ line: number, text: lineText, kind: 'header' }, report)
    } else if (first === '[' && !LITERAL_LINE.test(lineText)) {
      if (sections.length > MOST_SECTIONS) {
        const source = { line: number, text: lineText, kind: 'header' } as const
        const message = `more than ${MOST_SECTIONS.toLocaleString('en')} sections`
        report.error(source, spanOf(number, 0, lineText.length), 'too-many-sections', message)
        return sections
      }
      section = parseHeader({ line: number, text: lineText, kind: 'header' }, report)
      const key = identity(section)
      const earlier = seen.get(key)?.header
      // Override lines are one list, whatever stands in between.
      const isBadZone = section.kind === 'zone' && section.name === undefined
      const again = section.kind === 'overrides' || section.kind === 'unknown' || isBadZone
      if (!again && earlier !== undefined && section.header !== undefined) {
        report.error(
          section.header.source,
          section.header.span,
          'duplicate-section',
          'this section is in the file twice',
          {
            expected: 'one section of each name',
            related: { line: earlier.span.line, message: 'first given here' },
          },
        )
      }
      if (earlier === undefined) seen.set(key, section)
      sections.push(section)
    } else {
      parseLine({ line: number, text: lineText, kind: section.kind }, section, report)
    }
  }
  return sections
}

function parseHeader(source: Line, report: Report): OpenSection {
  const [, inside = '', bracket, rest = ''] = HEADER.exec(source.text) ?? []
  const start = source.text.indexOf('[')
  const end = start + 1 + inside.length + (bracket === undefined ? 0 : 1)
  const span = spanOf(source.line, start, source.text.slice(0, end).trimEnd().length)
  const fullName = inside.replace(bracket === undefined ? /\s;.*$/s : /$^/, '').trim()
  if (bracket === undefined) {
    report.error(source, span, 'unclosed-header', 'the section header is not closed', {
      expected: '"]" after its name',
    })
  } else if (rest.trim() !== '' && !/^\s+;/.test(rest)) {
    const after = end + rest.length - rest.trimStart().length
    report.error(
      source,
      spanOf(source.line, after, source.text.trimEnd().length),
      'text-after-header',
      'text after a section header',
      {
        expected: 'the end of the line, or white space and a comment with ";"',
      },
    )
  }
  const kind = sectionKind(fullName)
  if (kind === 'unknown' && bracket !== undefined) reportUnknownSection(source, span, fullName, report)
  if (kind === 'zone') {
    const written = fullName.replace(/^zone\s*:\s*/i, '')
    const odd = findDisallowedCharacter(written)?.character ?? ''
    const domain = odd === '' ? toALabels(written) : undefined
    if (domain === undefined) {
      const problem =
        odd > '\x7f' ? `${nameCharacter(odd)} is not allowed in a domain` : 'a zone is named by a domain'
      report.error(source, span, 'bad-zone', problem, {
        expected: '[zone:DOMAIN], such as [zone:corp.internal], for the domain and all below it',
      })
    }
    return open(kind, { header: { source, span }, ...(domain === undefined ? {} : { name: domain }) })
  }
  if ((kind !== 'relay' && kind !== 'direct') || /^direct$/i.test(fullName)) {
    return open(kind, { header: { source, span } })
  }
  const name = fullName.replace(/^(?:relay|direct)\s*:\s*/i, '')
  if (!/^[\w.-]+$/.test(name)) {
    report.error(
      source,
      span,
      kind === 'relay' ? 'bad-relay-name' : 'bad-direct-name',
      `${kind === 'relay' ? 'a relay needs' : 'terms need'} a name of letters, digits, "-", "_" and "."`,
      {
        expected: `[${kind}:NAME], which override lines call @NAME`,
      },
    )
  }
  return open(kind, { header: { source, span }, name })
}

function reportPostfixLine(source: Line, report: Report): void {
  const [whole = '', host = '', port = ''] = POSTFIX_LINE.exec(source.text) ?? []
  const start = source.text.indexOf('[')
  report.error(
    source,
    spanOf(source.line, start, whole.length),
    'postfix-form',
    'a server as Postfix writes it',
    {
      expected: 'an override line: <domain> [<user>:<password>@]<host>[:<port>]',
      suggestion: `* <user>:<password>@${isIPv6(host) ? `[${host}]` : (toHost(host) ?? '<host>')}${port}`,
    },
  )
}

function reportUnknownSection(source: Line, span: Span, name: string, report: Report): void {
  const [, word = '', colon, rest = ''] = /^([^:]*)(:?)(.*)$/s.exec(name) ?? []
  const near = nearest(word.trim(), ['relay', 'zone', ...SECTION_NAMES])
  const suggestion =
    near === 'relay' || near === 'relay:NAME' || (near?.startsWith('direct') === true && colon !== '')
      ? `[${near.replace(':NAME', '')}:${colon !== '' && /^[\w.-]+$/.test(rest.trim()) ? rest.trim() : 'NAME'}]`
      : near === 'zone'
        ? '[zone:DOMAIN]'
        : `[${near}]`
  report.error(source, span, 'unknown-section', 'unknown section', {
    expected: `one of ${SECTION_NAMES.map((known) => `[${known}]`).join(', ')}`,
    suggestion: near === undefined ? undefined : suggestion,
  })
}

function parseLine(source: Line, section: OpenSection, report: Report): void {
  switch (section.kind) {
    case 'unknown':
      // One error at the header says it all.
      return
    case 'overrides':
    case 'attempts':
      section.lines.push(source)
      return
    case 'top':
      // One look for "=" first: a pasted list may have very many lines.
      if (source.text.includes('=') && SETTING.test(source.text)) {
        parseSetting(source, section, section.kind, report)
      } else if (TOP_KEY.test(source.text)) {
        reportMissingEquals(source, report)
      } else {
        section.lines.push({ line: source.line, text: source.text, kind: 'overrides' })
      }
      return
    case 'tests':
      if (SETTING.test(source.text) && !source.text.includes('->'))
        parseSetting(source, section, section.kind, report)
      else section.lines.push(source)
      return
    case 'dns':
    case 'zone':
    case 'relay':
    case 'direct':
    case 'redis':
    case 'status':
      parseSetting(source, section, section.kind, report)
      return
    default:
      section.kind satisfies never
  }
}

/** Before the first header a line is an override line, unless it begins with the name of a setting. */
function reportMissingEquals(source: Line, report: Report): void {
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

function parseSetting(source: Line, section: OpenSection, kind: KeyedSection, report: Report): void {
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
  const earlier = section.settings.get(key)
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
  section.settings.set(key, { key, value: value.trim(), keySpan, valueSpan, source })
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
    home === undefined || home === kind ? '' : `; ${word.toLowerCase()} belongs ${placeOf(home)}`
  report.error(source, span, 'unknown-key', `unknown setting ${quoted}`, {
    expected: `one of ${KEYS[kind].join(', ')}${elsewhere}`,
    suggestion: nearest(word, KEYS[kind]),
  })
}

function placeOf(section: KeyedSection): string {
  if (section === 'top') return 'before the first section header'
  if (section === 'zone') return 'in [zone:DOMAIN]'
  return section === 'relay' ? 'in [relay:NAME]' : `in [${section}]`
}
