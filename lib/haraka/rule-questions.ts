import type { Decision } from '../model/decision'
import type { Exchange } from '../model/exchange'
import type { Message } from '../model/message'
import type { RelayState } from '../relays/types'
import { decideWithDns, type DecisionFunction } from '../routing/decide-with-dns'
import { decide } from '../rules/decide'
import { groupByRoute, mayDiverge, type RecipientGroup } from '../rules/recipient-groups'
import type { Basis } from './active-configuration'
import type { HarakaModules } from './haraka-modules'

const NO_GROUPS: readonly RecipientGroup[] = []

/** Asks the rules about messages, with what this process knows of relays and DNS. */
export class RuleQuestions {
  readonly #relays: Pick<RelayState, 'look'>
  readonly #haraka: Pick<HarakaModules, 'outbound'>

  constructor(relays: Pick<RelayState, 'look'>, haraka: Pick<HarakaModules, 'outbound'>) {
    this.#relays = relays
    this.#haraka = haraka
  }

  /** Where the message goes. */
  decide(message: Message, basis: Basis): Decision | Promise<Decision> {
    return this.#ask<Decision>(decide, message, basis)
  }

  /** Its recipients in groups that go the same way; see {@link groupByRoute}. Empty where they cannot diverge. */
  group(message: Message, basis: Basis): readonly RecipientGroup[] | Promise<readonly RecipientGroup[]> {
    return mayDiverge(basis.configuration.rules, message)
      ? this.#ask<readonly RecipientGroup[]>(groupByRoute, message, basis)
      : NO_GROUPS
  }

  #ask<D extends object>(
    answer: DecisionFunction<D>,
    message: Message,
    { configuration, resolver }: Basis,
  ): D | Promise<D> {
    const { inet_prefer: prefer } = this.#haraka.outbound
    const question = { rules: configuration.rules, message, isUsable: this.#isUsable }
    return decideWithDns(answer, question, {
      mx: (domain) => resolver.mx(domain),
      addresses: (domain) => resolver.addresses(domain, prefer),
    })
  }

  readonly #isUsable = (relay: Exchange): boolean => this.#relays.look(relay).usable
}
