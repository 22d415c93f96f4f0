import type { Decision } from '../../lib/model/decision'
import { BLANK_MESSAGE } from '../../lib/model/message'
import { decideWithDns, type DomainSource } from '../../lib/routing/decide-with-dns'
import { decide } from '../../lib/rules/decide'
import { startMxServer } from './mx-server'
import { configure } from './rules'

/** Lines about other domains. */
export const LINES_OF_OTHERS = Array.from({ length: 10_000 }, (_, n) => `other${n}.example 192.0.2.1`).join(
  '\n',
)

const FAILING = ['$retries>=3', '$size>10M', '$from~=*@corp.example', '$from=boss@corp.example']
/** Lines for all domains, each with a condition that does not hold: two of numbers, two of texts, in turn. */
export const FAILING_LINES = Array.from(
  { length: 20 },
  (_, n) => `* r${n}.example.net ${FAILING[n % FAILING.length]}`,
).join('\n')

/** A decision that the MX records of the domain make, since no line matches. The resolver remembers them. */
export interface DirectDecision {
  /** @throws Error if the decision is another one, or not made at once */
  readonly decideOnce: () => void
  readonly stop: () => Promise<void>
}

export async function startDirectDecision(lines: string): Promise<DirectDecision> {
  const { rules } = configure(lines)
  const { resolver, stop } = await startMxServer()
  const message = {
    ...BLANK_MESSAGE,
    domain: 'example.com',
    mailFrom: 'joe@example.net',
    size: 4000,
  }
  await resolver.mx(message.domain)
  const input = { rules, message }
  const source: DomainSource = {
    mx: (domain) => resolver.mx(domain),
    addresses: (domain) => resolver.addresses(domain, 'default'),
  }
  return {
    decideOnce() {
      const decision = decideWithDns<Decision>(decide, input, source)
      if (decision instanceof Promise || decision.source !== 'dns' || decision.exchanges.length !== 2) {
        throw new Error('another decision')
      }
    },
    stop,
  }
}
