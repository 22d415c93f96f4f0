import type { LongText } from '../model/long-text'
import type { Line } from '../source/line'
import { linesOf } from '../source/lines'
import { spanOf, type Report } from '../source/report'
import { isPostfixLine, parseHeader, reportPostfixLine } from './header'
import { isMissingEquals, isSetting, parseSetting, reportMissingEquals } from './parse-setting'
import type { Header, Section, SettingLine } from './section'

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

/** A domain literal at the start of an override line, with or without wildcards; not the header of a section. */
const LITERAL_LINE = /^\s*\[(?:ipv6:[^\]\s]*|[\d.*?]+)\](?=\s|$)/i

const open = (header: Omit<Header, 'header'> & Partial<Header>): OpenSection => ({
  ...header,
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
export function* parseFile(text: LongText, report: Report): Generator<undefined, readonly Section[]> {
  const sections: Section[] = []
  const seen = new Map<string, Section>()
  let section = open({ kind: 'top' })
  sections.push(section)
  for (const { line: number, text: lineText } of linesOf(text)) {
    if (number % CHUNK === 0) yield
    const first = lineText[lineText.search(/\S/)]
    if (first === undefined || first === ';' || first === '#') continue
    if (lineText.length > LONGEST_LINE) {
      // Only its beginning is kept: nothing else of it is looked at.
      const source = { line: number, text: lineText.slice(0, LONGEST_LINE), kind: 'unknown' } as const
      const message = `a line of more than ${LONGEST_LINE.toLocaleString('en')} characters`
      report.error(source, spanOf(number, 0, 1), 'long-line', message, { expected: 'shorter lines' })
    } else if (first === '[' && isPostfixLine(lineText) && !LITERAL_LINE.test(lineText)) {
      reportPostfixLine({ line: number, text: lineText, kind: 'header' }, report)
    } else if (first === '[' && !LITERAL_LINE.test(lineText)) {
      if (sections.length > MOST_SECTIONS) {
        const source = { line: number, text: lineText, kind: 'header' } as const
        const message = `more than ${MOST_SECTIONS.toLocaleString('en')} sections`
        report.error(source, spanOf(number, 0, lineText.length), 'too-many-sections', message)
        return sections
      }
      section = open(parseHeader({ line: number, text: lineText, kind: 'header' }, report))
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
      if (isSetting(source.text)) {
        parseSetting(source, section.kind, section.settings, report)
      } else if (isMissingEquals(source.text)) {
        reportMissingEquals(source, report)
      } else {
        section.lines.push({ line: source.line, text: source.text, kind: 'overrides' })
      }
      return
    case 'tests':
      if (isSetting(source.text) && !source.text.includes('->'))
        parseSetting(source, section.kind, section.settings, report)
      else section.lines.push(source)
      return
    case 'dns':
    case 'zone':
    case 'relay':
    case 'direct':
    case 'redis':
    case 'status':
      parseSetting(source, section.kind, section.settings, report)
      return
    default:
      section.kind satisfies never
  }
}
