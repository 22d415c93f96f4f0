import type { Decision } from '../model/decision'
import type { Provenance } from '../model/dns-answer'
import { exchangeKey, exchangeLabel, sectionName, type Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { Located } from '../routing/route'
import { toPrintable } from '../model/printable'
import type { Action } from '../status/decision-counts'
import { resultOfEnd } from '../status/decision-result'
import { type LogFields, LONGEST_TEXT, writeEntry } from './log-entry'
import type { HarakaPlugin, Loggable } from '../haraka-objects/plugin'
import type { HMailItem } from '../haraka-objects/outbound'
import type { AttemptReport } from './delivery/attempt-runner'

function provenanceText({ how, server, ttlSeconds }: Provenance): string {
  return `${how}@${server}/${ttlSeconds}s`
}

/** `10:@isp=fred@smtp.isp.example:587(line 7)`: priority, relay, user, host, port, and what named it. */
function exchangeText(exchange: Exchange): string {
  const { priority, origin } = exchange
  const section = sectionName(exchange)
  const name = section === undefined ? '' : `@${section}=`
  const line = origin.kind === 'attempts' ? undefined : origin.line
  const from = [
    ...(origin.kind === 'line' ? [] : [origin.kind]),
    ...(line === undefined ? [] : [`line ${line}`]),
  ].join(' ')
  return `${priority}:${name}${exchangeKey(exchange)}(${from})`
}

/** What DNS said of the domain's MX records, if it was asked. */
function mxText({ mx }: Decision): string {
  if (mx === undefined) return 'not asked'
  if (mx.kind === 'failed') return `failed: ${mx.error.message}`
  return `${mx.kind} ${provenanceText(mx)}`
}

/** `mx.example.com 192.0.2.1 192.0.2.2 cached@192.0.2.53:53/42s`: a host and what was found of its addresses. */
function addressesText({ exchange, answer }: Located): string {
  const { host } = exchange.endpoint
  if (answer.kind === 'failed') return `${host} failed: ${answer.error.message}`
  if (answer.kind === 'none') return `${host} none ${provenanceText(answer)}`
  const from = answer.server === 'literal' ? '' : ` ${provenanceText(answer)}`
  return `${host} ${answer.addresses.join(' ')}${from}`
}

/** One decision. */
export interface LoggedDecision {
  readonly message: Message
  readonly decision: Decision
  readonly located: readonly Located[]
  readonly action: Action
  /** Why it is not tried. */
  readonly reason?: string | undefined
}

/** The fields of a decision for the log. Holds no secret. */
function decisionFields({ message, decision, located, action, reason }: LoggedDecision): LogFields {
  const [recipient] = message.rcptTo
  return {
    domain: decision.domain,
    sender: message.mailFrom === '' ? '<>' : message.mailFrom,
    recipients: message.rcptTo.length,
    ...(message.rcptTo.length === 1 && recipient !== undefined ? { recipient } : {}),
    size: message.size,
    retries: message.retries,
    action,
    source: decision.source,
    lines: decision.matched,
    exchanges: located.map(({ exchange }) => exchangeText(exchange)),
    mx: mxText(decision),
    addresses: located.map(addressesText),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** Logs one decision: one INFO line of its message. */
export function logDecision(log: Loggable, decision: LoggedDecision): void {
  writeEntry(log, { level: 'info', text: 'decided', fields: decisionFields(decision) })
}

/** The parameters of a log line with all text printable: an SMTP reply or a name in DNS may hold anything. */
function toPrintableParameters(parameters: readonly unknown[]): unknown[] {
  return parameters.map((parameter) =>
    typeof parameter === 'string' ? toPrintable(parameter, { max: LONGEST_TEXT }) : parameter,
  )
}

/** A log whose lines carry the message's id and this plugin's name, and are printable. */
export class MessageLog implements Loggable {
  readonly #plugin: HarakaPlugin
  readonly #hmail: HMailItem

  constructor(plugin: HarakaPlugin, hmail: HMailItem) {
    this.#plugin = plugin
    this.#hmail = hmail
  }

  logdebug(...parameters: unknown[]): void {
    this.#hmail.logdebug(this.#plugin, ...toPrintableParameters(parameters))
  }

  loginfo(...parameters: unknown[]): void {
    this.#hmail.loginfo(this.#plugin, ...toPrintableParameters(parameters))
  }

  lognotice(...parameters: unknown[]): void {
    this.#hmail.lognotice(this.#plugin, ...toPrintableParameters(parameters))
  }

  logwarn(...parameters: unknown[]): void {
    this.#hmail.logwarn(this.#plugin, ...toPrintableParameters(parameters))
  }

  logerror(...parameters: unknown[]): void {
    this.#hmail.logerror(this.#plugin, ...toPrintableParameters(parameters))
  }

  logcrit(...parameters: unknown[]): void {
    this.#hmail.logcrit(this.#plugin, ...toPrintableParameters(parameters))
  }
}

/** One attempt on one line. */
export function attemptLine(report: AttemptReport): string {
  const parts = report.connections.map(({ exchange, address, session }) => {
    const how = session?.failure?.message ?? session?.reply?.text ?? 'no connection'
    return `${exchangeLabel(exchange)} (${address}): ${session?.stage ?? 'connect'}: ${how}`
  })
  return `attempt ended, ${resultOfEnd(report)}: ${parts.join('; ') || 'no connection tried'}`
}
