import type { AddressAnswer } from '../model/dns-answer'
import { formatEndpoint } from '../model/endpoint'
import { sectionName, type Exchange } from '../model/exchange'
import { toPrintable } from '../model/printable'
import { findLine } from './line-hits'
import type { RuleSet } from '../rules/compile'
import { traceAllLines } from '../rules/decide'
import type { LineTrace } from '../rules/types'
import { listTriedExchanges, type Explanation } from './explanation'
import type { Paint } from './paint'
import {
  describeAddresses,
  describeMx,
  describeNoRoute,
  describeOrigin,
  describeSource,
  formatAge,
  formatCount,
  formatSize,
  groupByPriority,
} from './wording'
import type { Effect } from './effect'

/** How an explanation is printed. */
export interface TextOptions {
  /** What the message is called. */
  readonly title: string
  readonly rules: RuleSet
  /** The configuration, as the reader would name it. */
  readonly file: string
  /** Print the lines for other domains too. */
  readonly all: boolean
  /** What the running server changes; absent if it was not asked. */
  readonly effect: Effect | undefined
  readonly ink: Paint
}

function describeMessage({ message }: Explanation): string {
  const { mailFrom, authSender, size, retries, ageMs, reply, failed } = message
  return [
    mailFrom === '' ? 'from the null sender <>' : `from ${toPrintable(mailFrom)}`,
    ...(authSender === '' ? [] : [`authenticated as ${toPrintable(authSender)}`]),
    formatSize(size),
    retries === 0 ? 'first attempt' : `${formatCount(retries, 'attempt')} made`,
    ...(ageMs === 0 ? [] : [`queued for ${formatAge(ageMs)}`]),
    ...(failed === '' ? [] : [`the last failed at ${failed}`]),
    ...(reply === '' ? [] : [`refused with "${reply}"`]),
  ].join(', ')
}

/** The lines about the message's domain, each with its reason; the others counted, or printed as well. */
function lineSection({ decision }: Explanation, { rules, file, all, ink }: TextOptions): string[] {
  const { domain, lines, linesRead } = decision
  if (rules.lines.length === 0) return [`${file} has no override lines`, '']
  const listed = all ? traceAllLines(rules, decision) : lines
  const textOf = (line: number) => findLine(rules.lines, line)?.text.trim().replace(/\s+/g, ' ') ?? ''
  const width = String(listed.at(-1)?.line ?? '').length
  const indent = ' '.repeat(width + 4)
  const lineText = (trace: LineTrace) => {
    const title = `  ${String(trace.line).padStart(width)}  ${textOf(trace.line)}`
    return trace.matched
      ? [ink.strong(title), `${indent}${ink.good('matches')}`]
      : [title, `${indent}${ink.faint(`no: ${toPrintable(trace.reason)}`)}`]
  }
  const others = linesRead - listed.length
  const isEndedByLine = linesRead < rules.lines.length && lines.at(-1)?.matched === true
  const heading =
    listed.length === 0 ? `No override line of ${file} is for ${domain}` : `Override lines of ${file}`
  return [
    heading,
    ...listed.flatMap(lineText),
    ...(isEndedByLine ? [`${indent}$end: no later line is looked at`] : []),
    ...(others > 0
      ? [ink.faint(`  (${formatCount(others, 'line')} for other domains, shown by explain --all)`)]
      : []),
    '',
  ]
}

function headline({ decision, route }: Explanation, { effect, ink }: TextOptions): string {
  switch (route.outcome) {
    case 'bounce':
      return ink.bad(describeNoRoute(route))
    case 'defer':
      return ink.warn(describeNoRoute(route))
    case 'deliver': {
      if (effect?.deferred !== undefined)
        return ink.warn(`Would be deferred by ${describeSource(decision)}: every server is passed over`)
      if (effect?.wait !== undefined)
        return ink.warn(`Would wait: ${effect.wait} (${describeSource(decision)})`)
      const noLine = decision.source === 'overrides' ? '' : ', because no override line matches'
      return ink.good(`Would be sent by ${describeSource(decision)}${noLine}`)
    }
    default:
      return route.outcome satisfies never
  }
}

/** The exchanges in the order in which they are tried; those of one priority under one heading, because they have no order. */
function exchangeSection(explanation: Explanation, { effect, ink }: TextOptions): string[] {
  const { decision, route } = explanation
  const exchanges = listTriedExchanges(explanation)
  const width = Math.max(...exchanges.map(({ priority }) => String(priority).length), 0)
  const margin = ' '.repeat(width + 4)
  const answers = new Map(route.located.map(({ exchange, answer }) => [exchange, answer]))
  return groupByPriority(exchanges).flatMap((group) => {
    const priority = `  ${String(group[0]!.priority).padStart(width)}  `
    const rows = group.map((exchange) =>
      exchangeText(exchange, decision.domain, answers.get(exchange), effect?.notes.get(exchange), ink),
    )
    if (rows.length === 1) return indentRows(rows[0]!, priority, margin)
    return [
      `${priority}in random order`,
      ...rows.flatMap((row) => indentRows(row, `${margin}  `, `${margin}  `)),
    ]
  })
}

function indentRows(rows: readonly string[], first: string, margin: string): string[] {
  return rows.map((row, index) => `${index === 0 ? first : margin}${row}`)
}

function exchangeText(
  exchange: Exchange,
  domain: string,
  answer: AddressAnswer | undefined,
  note: string | undefined,
  ink: Paint,
): string[] {
  const { relay, endpoint } = exchange
  const user = relay?.credentials?.user
  const name = sectionName(exchange)
  const notes = [
    ...(name === undefined ? [] : [`@${name}`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    describeOrigin(exchange, domain),
  ]
  return [
    `${ink.strong(formatEndpoint(endpoint))}  ${notes.join(', ')}`,
    ...(answer === undefined ? [] : [ink.faint(describeAddresses(answer))]),
    ...(note === undefined ? [] : [ink.warn(note)]),
  ]
}

/** The relays of `[attempts]` that come next in the same attempt if the first one fails. */
function fallbackSection({ decision }: Explanation): string[] {
  const names = (decision.fallbackRelays ?? []).map(
    ({ relay, endpoint }) => `@${relay?.name ?? ''} (${formatEndpoint(endpoint)})`,
  )
  return names.length === 0 ? [] : [`  If that relay fails: ${names.join(', then ')}`]
}

/** An explanation for a reader: the message, each line with its reason, the exchanges, and what DNS said. */
export function explanationText(explanation: Explanation, options: TextOptions): string {
  const { decision, route } = explanation
  const { title, ink } = options
  return [
    ink.strong(toPrintable(title)),
    `  ${describeMessage(explanation)}`,
    '',
    ...lineSection(explanation, options),
    headline(explanation, options),
    ...exchangeSection(explanation, options),
    ...(route.outcome === 'deliver' ? fallbackSection(explanation) : []),
    ...(decision.mx === undefined ? [] : ['', `MX of ${decision.domain}: ${describeMx(decision.mx)}`]),
    '',
  ].join('\n')
}
