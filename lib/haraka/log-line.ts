import type { Provenance } from '../model/dns-answer'
import type { Decision } from '../model/decision'
import { exchangeKey, type Exchange } from '../model/exchange'
import { toPrintable } from '../model/printable'
import type { Located } from '../routing/route'

function field(name: string, value: string): string {
  const clean = toPrintable(value)
  return /^[^\s"=]+$/.test(clean) ? `${name}=${clean}` : `${name}="${clean.replaceAll(/["\\]/g, '\\$&')}"`
}

function provenanceText({ how, server, ttl }: Provenance): string {
  return `${how}@${server}/${ttl}s`
}

function exchangeText(exchange: Exchange): string {
  const { priority, relay, origin } = exchange
  const name = relay?.name === undefined ? '' : `@${relay.name}=`
  const from = origin.kind === 'line' ? `line ${origin.line}` : origin.kind
  return `${priority}:${name}${exchangeKey(exchange)}(${from})`
}

/** What DNS said of the domain's MX records, if it was asked. */
function mxText({ mx }: Decision): string {
  if (mx === undefined) return 'not asked'
  if (mx.kind === 'failed') return `failed: ${mx.error.message}`
  return `${mx.kind} ${provenanceText(mx)}`
}

function addressText({ exchange, answer }: Located): string {
  if (answer.kind === 'failed') return `${exchange.endpoint.host} failed: ${answer.error.message}`
  if (answer.kind === 'none') return `${exchange.endpoint.host} none ${provenanceText(answer)}`
  const from = answer.server === 'literal' ? '' : ` ${provenanceText(answer)}`
  return `${exchange.endpoint.host} ${answer.addresses.join(',')}${from}`
}

/** One decision. */
export interface LoggedDecision {
  /** Haraka's id of the message. */
  readonly id: string
  readonly retries: number
  readonly decision: Decision
  readonly located: readonly Located[]
  readonly outcome: Decision['outcome'] | 'wait'
  readonly reason?: string
}

/** The one line that is logged of a decision: `key=value`, text with spaces in quotes. Holds no secret. */
export function decisionLine({ id, retries, decision, located, outcome, reason }: LoggedDecision): string {
  return [
    field('message', id),
    field('domain', decision.domain),
    field('retries', String(retries)),
    field('outcome', outcome),
    field('source', decision.source),
    field('lines', decision.matched.join(',') || '-'),
    field('exchanges', located.map(({ exchange }) => exchangeText(exchange)).join(' ') || '-'),
    field('mx', mxText(decision)),
    field('addresses', located.map(addressText).join('; ') || '-'),
    ...(reason === undefined ? [] : [field('reason', reason)]),
  ].join(' ')
}
