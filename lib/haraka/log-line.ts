import type { Provenance } from '../model/dns-answer'
import { nexthopKey } from '../model/nexthop'
import type { Located } from '../routing/route'
import type { Decision, Exchange } from '../rules/types'

/** Neither a second line nor a terminal's command may come out of a name that a stranger chose. */
export function sanitized(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function field(name: string, value: string): string {
  const clean = sanitized(value)
  return /^[^\s"=]+$/.test(clean) ? `${name}=${clean}` : `${name}="${clean.replaceAll(/["\\]/g, '\\$&')}"`
}

function origin({ how, server, ttl }: Provenance): string {
  return `${how}@${server}/${ttl}s`
}

function exchangeText(exchange: Exchange): string {
  const { exchange: host, port, priority, nexthop, from } = exchange
  const key = nexthopKey({ host, port, credentials: nexthop?.credentials })
  const name = nexthop?.name === undefined ? '' : `@${nexthop.name}=`
  return `${priority}:${name}${key}(${exchange.line === undefined ? from : `line ${exchange.line}`})`
}

/** What DNS said of the domain's MX records, if it was asked. */
function mxText({ mx }: Decision): string {
  if (mx === undefined) return 'not asked'
  if (mx.kind === 'failed') return `failed: ${mx.error.message}`
  return `${mx.kind} ${origin(mx)}`
}

function addressText({ exchange, answer }: Located): string {
  if (answer.kind === 'failed') return `${exchange.exchange} failed: ${answer.error.message}`
  if (answer.kind === 'none') return `${exchange.exchange} none ${origin(answer)}`
  const from = answer.server === 'literal' ? '' : ` ${origin(answer)}`
  return `${exchange.exchange} ${answer.addresses.join(',')}${from}`
}

/** One decision. */
export interface LoggedDecision {
  readonly message: string
  readonly retries: number
  readonly decision: Decision
  readonly located: readonly Located[]
  readonly outcome: Decision['outcome'] | 'wait'
  readonly reason?: string
}

/** The one line that is logged of a decision: `key=value`, text with spaces in quotes. Holds no secret. */
export function decisionLine({
  message,
  retries,
  decision,
  located,
  outcome,
  reason,
}: LoggedDecision): string {
  return [
    field('message', message),
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
