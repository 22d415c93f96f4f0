import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import type { Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { RuleSet } from '../rules/compile'
import type { DecisionFacts, Missing } from '../rules/facts'
import { NO_ADDRESS } from '../rules/mx-spec'

/** Where answers about a domain come from: at once where they are remembered. Nothing here rejects. */
export interface DomainSource {
  readonly mx: (domain: string) => MxAnswer | Promise<MxAnswer>
  /** Absent where an operator wrote the MX answer down: then NXDOMAIN says that the domain does not exist. */
  readonly addresses?: (domain: string) => AddressAnswer | Promise<AddressAnswer>
}

/** `decide` or `explain` of the rules. */
export type Judge<D extends object> = (rules: RuleSet, message: Message, facts: DecisionFacts) => D | Missing

/** What is to be decided, and what is known of the relays: see {@link DecisionFacts}. */
export interface DecisionInput {
  readonly rules: RuleSet
  readonly message: Message
  readonly isUsable?: ((relay: Exchange) => boolean) | undefined
}

/**
 * Decides, and asks about the domain only what the decision hangs on. Where that is remembered there is no promise. Never rejects.
 *
 * @param judge `decide`, or `explain` for the reasons too
 */
export function decideWithDns<D extends object>(
  judge: Judge<D>,
  { rules, message, isUsable }: DecisionInput,
  { mx, addresses = () => NO_ADDRESS }: DomainSource,
): D | Promise<D> {
  const { domain } = message
  const ask = {
    mx: (facts: DecisionFacts) => addFact(mx(domain), (answer) => decideBy({ ...facts, mx: answer })),
    addresses: (facts: DecisionFacts) =>
      addFact(addresses(domain), (answer) => decideBy({ ...facts, addresses: answer })),
  }
  const decideBy = (facts: DecisionFacts): D | Promise<D> => {
    const decision = judge(rules, message, facts)
    return typeof decision === 'string' ? ask[decision](facts) : decision
  }
  return decideBy({ isUsable })
}

/** Goes on with an answer, when it is there. */
function addFact<A, D>(answer: A | Promise<A>, goOn: (answer: A) => D | Promise<D>): D | Promise<D> {
  return answer instanceof Promise ? answer.then(goOn) : goOn(answer)
}
