import { formatEndpoint } from '../../model/endpoint'
import type { OverrideLine } from '../../rules/types'
import { triedExchanges, type Explanation } from './explanation'
import type { Paint } from './paint'
import { addressWords, bytes, linesText, mxWords, originWords } from './wording'

function messageWords({ message }: Explanation): string {
  const { mailFrom, authSender, size, retries } = message
  return [
    mailFrom === '' ? 'from the null sender <>' : `from ${mailFrom}`,
    ...(authSender === '' ? [] : [`authenticated as ${authSender}`]),
    bytes(size),
    retries === 0 ? 'first attempt' : `${retries} ${retries === 1 ? 'attempt' : 'attempts'} made`,
  ].join(', ')
}

function lineSection(
  explanation: Explanation,
  lines: readonly OverrideLine[],
  file: string,
  ink: Paint,
): string[] {
  const traces = explanation.decision.lines
  if (traces.length === 0) return [`No override lines in ${file}`, '']
  const texts = new Map(lines.map(({ line, text }) => [line, text.trim().replace(/\s+/g, ' ')]))
  const width = String(traces.at(-1)!.line).length
  const indent = ' '.repeat(width + 4)
  const rows = traces.flatMap((trace) => {
    const title = `  ${String(trace.line).padStart(width)}  ${texts.get(trace.line) ?? ''}`
    return trace.matched
      ? [ink.strong(title), `${indent}${ink.good('matches')}`]
      : [title, `${indent}${ink.faint(`no: ${trace.reason}`)}`]
  })
  const last = traces.at(-1)!
  const skipped = lines.filter(({ line }) => line > last.line).length
  return [
    `Override lines of ${file}`,
    ...rows,
    ...(skipped > 0 && last.matched ? [`${indent}$end: no later line is looked at`] : []),
    '',
  ]
}

function headline({ decision, route }: Explanation, ink: Paint): string {
  const because = route.noRoute === undefined ? '' : `: ${route.noRoute.message}`
  switch (route.outcome) {
    case 'bounce':
      return ink.bad(`Bounces${because}`)
    case 'defer':
      return ink.warn(`Is deferred${because}`)
    case 'deliver':
      break
    default:
      return route.outcome satisfies never
  }
  switch (decision.source) {
    case 'overrides':
      return ink.good(`Is delivered, by override ${linesText(decision.matched)}`)
    case 'attempts':
      return ink.good('Is delivered, by [attempts]: no override line matches')
    case 'dns':
      return ink.good('Is delivered by DNS: no override line matches')
    default:
      return decision.source satisfies never
  }
}

function exchangeSection(explanation: Explanation, ink: Paint): string[] {
  const { decision, route } = explanation
  const exchanges = triedExchanges(explanation)
  const width = Math.max(...exchanges.map(({ priority }) => String(priority).length), 0)
  return exchanges.flatMap((exchange) => {
    const user = exchange.relay?.credentials?.user
    const name = exchange.relay?.name
    const notes = [
      ...(name === undefined ? [] : [`@${name}`]),
      ...(user === undefined ? [] : [`user ${user}`]),
      originWords(exchange, decision.domain),
    ]
    const title = ink.strong(formatEndpoint(exchange.endpoint))
    const located = route.located.find((candidate) => candidate.exchange === exchange)
    return [
      `  ${String(exchange.priority).padStart(width)}  ${title}  ${notes.join(', ')}`,
      ...(located === undefined
        ? []
        : [`  ${' '.repeat(width)}  ${ink.faint(addressWords(located.answer))}`]),
    ]
  })
}

/** One explanation for a reader: the message, every line with its reason, the exchanges, and what DNS said. */
export function explanationText(
  explanation: Explanation,
  lines: readonly OverrideLine[],
  title: string,
  file: string,
  ink: Paint,
): string {
  const { decision } = explanation
  return [
    ink.strong(title),
    `  ${messageWords(explanation)}`,
    '',
    ...lineSection(explanation, lines, file, ink),
    headline(explanation, ink),
    ...exchangeSection(explanation, ink),
    ...(decision.mx === undefined ? [] : ['', `MX of ${decision.domain}: ${mxWords(decision.mx)}`]),
    '',
  ].join('\n')
}
