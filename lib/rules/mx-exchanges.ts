import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import type { Decision, NoRoute } from '../model/decision'
import { literalAddress } from '../model/domain'
import type { Exchange, Origin } from '../model/exchange'
import type { DirectTerms } from '../model/terms'

/** What a domain's own records say: exchanges, or why there are none. */
export type MxExchanges = Pick<Decision, 'outcome' | 'exchanges' | 'noRoute'>

const DNS: Origin = { kind: 'dns' }

/** No exchange, and what becomes of the message. */
export function noExchanges(
  outcome: 'bounce' | 'defer',
  kind: NoRoute['kind'],
  message: string,
): MxExchanges {
  return { outcome, exchanges: [], noRoute: { kind, message } }
}

/** What sends mail to the domain's own servers, and how. */
export interface DirectMail {
  readonly direct: DirectTerms
  /** With the line of its terms, if a line names them. */
  readonly origin: Origin
}

/** Mail that no line gives terms of its own. */
export const plainDirect = (direct: DirectTerms): DirectMail => ({ direct, origin: DNS })

const exchangeAt = (host: string, priority: number, { direct, origin }: DirectMail): Exchange => ({
  endpoint: { host, port: direct.port },
  priority,
  origin,
  terms: direct.terms,
})

/**
 * The exchanges of a domain as RFC 5321 section 5.1 has them, equals in the order of the answer. A domain literal is its own.
 */
export function mxExchanges(
  domain: string,
  answer: Exclude<MxAnswer, { kind: 'nxdomain' }>,
  mail: DirectMail,
): MxExchanges {
  if (domain.startsWith('[')) {
    const literal = literalAddress(domain)
    return literal === undefined
      ? noExchanges('bounce', 'nodata', `${domain} holds no IP address`)
      : { outcome: 'deliver', exchanges: [exchangeAt(literal, 0, mail)] }
  }
  switch (answer.kind) {
    case 'mx':
      return {
        outcome: 'deliver',
        exchanges: answer.records.map(({ exchange, priority }) => exchangeAt(exchange, priority, mail)),
      }
    case 'nodata':
      // Implicit MX; whether the domain has an address is seen when it is looked up.
      return { outcome: 'deliver', exchanges: [exchangeAt(domain, 0, mail)] }
    case 'nullmx':
      return noExchanges('bounce', 'nullmx', `${domain} accepts no mail (null MX)`)
    case 'failed':
      return noExchanges('defer', 'dns-failure', `the MX lookup of ${domain} failed: ${answer.error.message}`)
    default:
      return answer satisfies never
  }
}

/**
 * The exchanges of a domain whose MX question was answered with NXDOMAIN. Some servers say so of one type while another exists
 * (RFC 4074 section 4.2), so only the addresses tell whether the domain is there.
 */
export function exchangesByAddress(domain: string, addresses: AddressAnswer, mail: DirectMail): MxExchanges {
  switch (addresses.kind) {
    case 'addresses':
      return { outcome: 'deliver', exchanges: [exchangeAt(domain, 0, mail)] }
    case 'none':
      return addresses.proven
        ? noExchanges(
            'bounce',
            'nxdomain',
            domain === '' ? 'the recipient has no domain' : `${domain} does not exist`,
          )
        : noExchanges('defer', 'no-address', `${domain} has neither MX nor address, as far as DNS says`)
    case 'failed':
      return noExchanges(
        'defer',
        'dns-failure',
        `the address lookup of ${domain} failed: ${addresses.error.message}`,
      )
    default:
      return addresses satisfies never
  }
}
