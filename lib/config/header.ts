import { isIPv6 } from 'node:net'
import { nameCharacter } from '../model/character'
import { formatHost } from '../model/endpoint'
import { findDisallowedCharacter, toALabels, toHost } from '../model/domain'
import type { Line } from '../source/line'
import { spanOf, type Report } from '../source/report'
import { nearest } from '../source/suggest'
import { parseSectionName, SECTION_NAMES } from './keys'
import type { Header } from './section'

/** `[name]`, `[ relay : isp ]`, with a trailing comment; the closing bracket may have been forgotten. */
const HEADER = /^\s*\[([^\]]*)(\])?(.*)$/s

const NAME = /^[\w.-]+$/

/** `[host]:port` or `[host.name]` before other text: how Postfix writes a server (postconf(5), relayhost). */
const POSTFIX_LINE = /^\s*\[([^\]\s]*)\](?:(:\d{1,5})(?=\s|$)|(?<=\.[^\]]*\])(?=\s+[^\s;]))/

/** Is it a server as Postfix writes it, and not the header of a section? */
export const isPostfixLine = (text: string): boolean => POSTFIX_LINE.test(text)

/** Reports a line of a map of Postfix, such as `[host]:587 user:password` of sasl_passwd. */
export function reportPostfixLine(source: Line, report: Report): void {
  const [whole = '', host = '', port = ''] = POSTFIX_LINE.exec(source.text) ?? []
  const span = spanOf(source.line, source.text.indexOf('['), whole.length)
  const server = isIPv6(host) ? formatHost(host) : (toHost(host) ?? '<host>')
  report.error(source, span, 'postfix-form', 'a server as Postfix writes it', {
    expected: 'an override line: <domain> [<user>:<password>@]<host>[:<port>]',
    suggestion: `* <user>:<password>@${server}${port}`,
  })
}

/**
 * header = "[" name [ ":" argument ] "]" [ white-space ";" { any } ]
 *
 * Mistakes go to the report; a section that does not exist is of kind `unknown`.
 */
export function parseHeader(source: Line, report: Report): Header {
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
    const place = spanOf(source.line, after, source.text.trimEnd().length)
    report.error(source, place, 'text-after-header', 'text after a section header', {
      expected: 'the end of the line, or white space and a comment with ";"',
    })
  }
  const { kind, argument } = parseSectionName(fullName)
  const header = { source, span }
  if (kind === 'unknown' && bracket !== undefined) reportUnknownSection(header, fullName, report)
  if (kind === 'zone' && argument !== undefined) {
    const odd = findDisallowedCharacter(argument)?.character ?? ''
    const name = odd === '' ? toALabels(argument) : undefined
    if (name !== undefined) return { kind, name, header }
    const problem =
      odd > '\x7f' ? `${nameCharacter(odd)} is not allowed in a domain` : 'a zone is named by a domain'
    report.error(source, span, 'bad-zone', problem, {
      expected: '[zone:DOMAIN], such as [zone:corp.internal], for the domain and all below it',
    })
  }
  if (argument === undefined || (kind !== 'relay' && kind !== 'direct')) return { kind, header }
  if (!NAME.test(argument)) {
    const what = kind === 'relay' ? 'a relay needs' : 'terms need'
    const code = kind === 'relay' ? 'bad-relay-name' : 'bad-direct-name'
    report.error(source, span, code, `${what} a name of letters, digits, "-", "_" and "."`, {
      expected: `[${kind}:NAME], which override lines call @NAME`,
    })
  }
  return { kind, name: argument, header }
}

function reportUnknownSection({ source, span }: Header['header'], name: string, report: Report): void {
  const [, word = '', colon, rest = ''] = /^([^:]*)(:?)(.*)$/s.exec(name) ?? []
  report.error(source, span, 'unknown-section', 'unknown section', {
    expected: `one of ${SECTION_NAMES.map((known) => `[${known}]`).join(', ')}`,
    suggestion: suggestHeader(word.trim(), colon === '' ? undefined : rest.trim()),
  })
}

/** The header that was meant by a word, and by the text after its ":". */
function suggestHeader(word: string, argument: string | undefined): string | undefined {
  const near = nearest(
    word,
    SECTION_NAMES.flatMap((known) => [known.split(':')[0]!, known]),
  )?.split(':')[0]
  const fitting = SECTION_NAMES.filter((known) => known.split(':')[0] === near)
  const known = fitting.find((each) => each.includes(':') === (argument !== undefined)) ?? fitting[0]
  if (known === undefined) return undefined
  const [kind, placeholder] = known.split(':')
  if (placeholder === undefined) return `[${kind}]`
  const isName = placeholder === 'NAME' && argument !== undefined && NAME.test(argument)
  return `[${kind}:${isName ? argument : placeholder}]`
}
