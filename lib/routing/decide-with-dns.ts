import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import type { Exchange } from '../model/exchange'
import { whenKnown } from '../model/known'
import type { Message } from '../model/message'
import type { RuleSet } from '../rules/compile'
import type { Knowledge, Missing } from '../rules/knowledge'
import { NO_ADDRESS } from '../rules/mx-spec'

/** Where answers about a domain come from: at once where they are remembered. Nothing here rejects. */
export interface DomainSource {
  readonly mx: (domain: string) => MxAnswer | Promise<MxAnswer>
  /** Absent where an operator wrote the MX answer down: then NXDOMAIN says that the domain does not exist. */
  readonly addresses?: (domain: string) => AddressAnswer | Promise<AddressAnswer>
}

/** `decide`, `explain` or `groupByRoute` of the rules: an answer, or the knowledge that it lacks. */
export type DecisionFunction<D extends object> = (
  rules: RuleSet,
  message: Message,
  known: Knowledge,
) => D | Missing

/** What is to be decided, and what is known of the relays: see {@link Knowledge}. */
export interface DecisionInput {
  readonly rules: RuleSet
  readonly message: Message
  readonly isUsable?: ((relay: Exchange) => boolean) | undefined
}

/**
 * Decides, and asks about the domain only what the decision depends on. Where that is remembered there is no promise. Never rejects.
 *
 * @param decide `decide`; `explain` for the reasons too; `groupByRoute` for each recipient
 */
export function decideWithDns<D extends object>(
  decide: DecisionFunction<D>,
  { rules, message, isUsable }: DecisionInput,
  { mx, addresses = () => NO_ADDRESS }: DomainSource,
): D | Promise<D> {
  const { domain } = message
  const decideBy = (known: Knowledge): D | Promise<D> => {
    const decision = decide(rules, message, known)
    switch (decision) {
      case 'mx':
        return whenKnown(mx(domain), (answer) => decideBy({ mx: answer, addresses: undefined, isUsable }))
      case 'addresses':
        return whenKnown(addresses(domain), (answer) =>
          decideBy({ mx: known.mx, addresses: answer, isUsable }),
        )
      default:
        return decision
    }
  }
  // All properties, also those that are not known: V8 then meets one hidden class.
  return decideBy({ mx: undefined, addresses: undefined, isUsable })
}
