import type { Decision } from '../model/decision'
import { formatEndpoint, parseEndpoint } from '../model/endpoint'
import { sectionName, type Exchange } from '../model/exchange'
import { spanOf, type Report } from '../source/report'
import { type Line } from '../source/line'
import { decide } from './decide'
import type { RuleSet } from './compile'
import {
  assumedMx,
  MESSAGE_KEYS,
  readMessage,
  splitWords,
  knowledgeOf,
  type WrittenMessage,
} from './message-spec'

/** One place in a list of expected exchanges. `direct` stands for one or more exchanges from DNS. */
export type ExpectedExchange =
  | { readonly kind: 'host'; readonly host: string; readonly port?: number }
  /** `@NAME`: a relay, or one or more exchanges from DNS on the terms of `[direct:NAME]`. */
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'direct' }

/** One line of `[tests]`. */
export interface Expectation {
  readonly line: number
  /** As written, without the comment after it, secrets masked. */
  readonly text: string
  readonly message: WrittenMessage
  readonly outcome: Decision['outcome']
  /** For `deliver`: in the order in which they are tried. */
  readonly exchanges: readonly ExpectedExchange[]
}

/** Whether an expectation was met, and what came instead. */
export interface ExpectationResult {
  readonly expectation: Expectation
  readonly met: boolean
  /** What the rules decide, in the form in which it would be expected. */
  readonly actual: string
  readonly decision: Decision
}

/** `SENDER -> RECIPIENT ... : EXPECTED`; the colon has white space on both sides, unlike one inside a word. */
const FORM = /^(\s*)(\S+)\s+->\s+(\S+)((?:\s+\S+)*?)\s+:\s+(.*\S)\s*$/
const FORM_HELP = `SENDER -> RECIPIENT [${MESSAGE_KEYS.map((key) => `${key}=...`).join('] [')}] : HOST[:PORT], ... | @RELAY | direct | bounce | defer`

function parseExchange(text: string, relays: readonly string[] | undefined): ExpectedExchange | string {
  if (text.toLowerCase() === 'direct') return { kind: 'direct' }
  if (text.startsWith('@')) {
    const name = relays?.find((known) => known.toLowerCase() === text.slice(1).toLowerCase())
    return relays !== undefined && name === undefined
      ? `there is no [relay:${text.slice(1)}]`
      : { kind: 'named', name: name ?? text.slice(1) }
  }
  const reading = parseEndpoint(text)
  if (!reading.ok) return `"${text}" is not HOST[:PORT]`
  const { host, port } = reading
  return { kind: 'host', host, ...(port === undefined ? {} : { port }) }
}

function parseExpected(
  text: string,
  relays: readonly string[] | undefined,
): Pick<Expectation, 'outcome' | 'exchanges'> | string {
  const word = text.toLowerCase()
  if (word === 'bounce' || word === 'defer') return { outcome: word, exchanges: [] }
  const exchanges: ExpectedExchange[] = []
  for (const part of text.split(',')) {
    const exchange = parseExchange(part.trim(), relays)
    if (typeof exchange === 'string') return exchange
    exchanges.push(exchange)
  }
  return { outcome: 'deliver', exchanges }
}

/** The words between recipient and colon as they are written. */
function writtenRest(text: string, rest: string, expected: string): string {
  const end = text.slice(0, text.trimEnd().length - expected.length).lastIndexOf(':')
  const words = text.slice(0, end).trimEnd()
  return words.slice(words.length - rest.length)
}

function parseTest(
  source: Line,
  relays: readonly string[] | undefined,
  report: Report,
): Expectation | undefined {
  const { line } = source
  // What is in quotes is one word, whatever is in it; offsets stay.
  const shape = source.text.replace(/="[^"]*"/g, (value) => `=${''.padEnd(value.length - 1, '_')}`)
  const text = source.text.slice(0, shape.replace(/\s;.*$/s, '').length)
  const form = FORM.exec(shape.slice(0, text.length)) ?? []
  const [, indent = '', sender = '', recipient = '', rest = '', expected = ''] = form
  if (expected === '') {
    const start = text.length - text.trimStart().length
    report.error(source, spanOf(line, start, text.trimEnd().length), 'bad-test', 'this is not a test', {
      expected: FORM_HELP,
    })
    return undefined
  }
  const message = readMessage(sender, recipient, splitWords(writtenRest(text, rest, expected)))
  if ('word' in message) {
    const at = text.indexOf(message.word, indent.length + sender.length)
    const span = spanOf(line, at, at + message.word.length)
    // What is wrong quotes the word, in which there may be a password.
    const problem = report.quote(source, span) === message.word ? message.message : 'not a part of a test'
    report.error(source, span, 'bad-test', problem, { expected: FORM_HELP })
    return undefined
  }
  const parsed = parseExpected(expected, relays)
  if (typeof parsed === 'string') {
    const end = text.trimEnd().length
    const span = spanOf(line, end - expected.length, end)
    const problem = report.quote(source, span) === expected ? parsed : 'not a list of HOST[:PORT]'
    report.error(source, span, 'bad-test', problem, { expected: FORM_HELP })
    return undefined
  }
  const shown = report.quote(source, spanOf(line, indent.length, text.trimEnd().length))
  return { line, text: shown, message, ...parsed }
}

/**
 * Reads the lines of `[tests]`; what is wrong with them goes to the report.
 *
 * @param relays the names of the relays of the file; without it, any name is taken.
 */
export function readTests(
  lines: readonly Line[],
  report: Report,
  relays?: readonly string[],
): readonly Expectation[] {
  return lines.flatMap((line) => parseTest(line, relays, report) ?? [])
}

function fits(expected: ExpectedExchange, exchange: Exchange): boolean {
  switch (expected.kind) {
    case 'direct':
      return exchange.origin.kind === 'dns'
    case 'named':
      return sectionName(exchange)?.toLowerCase() === expected.name.toLowerCase()
    case 'host':
      return (
        exchange.endpoint.host === expected.host &&
        (expected.port === undefined || exchange.endpoint.port === expected.port)
      )
    default:
      return expected satisfies never
  }
}

/** Do the exchanges fit the list from here on? `direct` and terms take all that follow one another from DNS. */
function allFit(expected: readonly ExpectedExchange[], exchanges: readonly Exchange[]): boolean {
  let at = 0
  for (const one of expected) {
    if (exchanges[at] === undefined || !fits(one, exchanges[at]!)) return false
    at++
    if (one.kind === 'host') continue
    while (exchanges[at]?.origin.kind === 'dns' && fits(one, exchanges[at]!)) at++
  }
  return at === exchanges.length
}

function exchangeWords({ endpoint, relay }: Exchange): string {
  return relay?.name === undefined ? formatEndpoint(endpoint) : `@${relay.name}`
}

/** The domain's own servers in that form: `direct`, or the name of their terms. */
export function directWords(exchange: Exchange): string {
  const name = sectionName(exchange)
  return name === undefined ? 'direct' : `@${name}`
}

/** A decision in the form in which it is expected. */
export function decisionWords({ outcome, exchanges }: Decision): string {
  return outcome === 'deliver' ? exchanges.map(exchangeWords).join(', ') : outcome
}

/** Decides one message as the rules stand, without any lookup. */
function runExpectation(rules: RuleSet, expectation: Expectation): ExpectationResult {
  const { message, mx } = expectation.message
  const decision = decide(rules, message, knowledgeOf(mx ?? assumedMx(message.domain)))
  const met = decision.outcome === expectation.outcome && allFit(expectation.exchanges, decision.exchanges)
  return { expectation, met, actual: decisionWords(decision), decision }
}

/**
 * Runs the `[tests]` of a configuration, without lookups and without waiting. Used by `dns-overrides test` and before a reload
 * is taken up.
 */
export function runExpectations(configuration: {
  readonly rules: RuleSet
  readonly tests: readonly Expectation[]
}): readonly ExpectationResult[] {
  const { rules, tests } = configuration
  return tests.map((test) => runExpectation(rules, test))
}

/** An expectation that was not met, in one line. */
export function unmetText({ expectation, actual }: ExpectationResult, file: string): string {
  return `${file}:${expectation.line}: test not met: "${expectation.text}", but it is: ${actual}`
}
