import type { MxAnswer } from '../model/dns-answer'
import type { Decision, Exchange, NoRoute } from './types'

/** What a domain's own records say: exchanges, or why there are none. */
export type OwnExchanges = Pick<Decision, 'outcome' | 'exchanges' | 'noRoute'>

const SMTP_PORT = 25

/** No exchange, and what becomes of the message. */
export function noneFrom(outcome: 'bounce' | 'defer', kind: NoRoute, message: string): OwnExchanges {
  return { outcome, exchanges: [], noRoute: { kind, message } }
}

const own = (exchange: string, priority: number): Exchange => ({
  exchange,
  port: SMTP_PORT,
  priority,
  from: 'dns',
})

/**
 * The exchanges of a domain as RFC 5321 section 5.1 has them, equals in the order of the answer.
 *
 * @param literal the address of a domain literal, which is its own exchange
 */
export function ownExchanges(domain: string, literal: string | undefined, answer: MxAnswer): OwnExchanges {
  if (domain.startsWith('[')) {
    return literal === undefined
      ? noneFrom('bounce', 'nodata', `${domain} holds no IP address`)
      : { outcome: 'deliver', exchanges: [own(literal, 0)] }
  }
  switch (answer.kind) {
    case 'mx':
      return {
        outcome: 'deliver',
        exchanges: answer.records.map(({ exchange, priority }) => own(exchange, priority)),
      }
    case 'nodata':
      // Implicit MX; whether the domain has an address is seen when it is looked up.
      return { outcome: 'deliver', exchanges: [own(domain, 0)] }
    case 'nxdomain':
      return noneFrom('bounce', 'nxdomain', `${domain} does not exist`)
    case 'nullmx':
      return noneFrom('bounce', 'nullmx', `${domain} accepts no mail (null MX)`)
    case 'failed':
      return noneFrom('defer', 'dns-failure', `the MX lookup of ${domain} failed: ${answer.error.message}`)
    default:
      return answer satisfies never
  }
}
