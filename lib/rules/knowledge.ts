import type { AddressAnswer, MxAnswer } from '../model/dns-answer'
import type { Exchange } from '../model/exchange'

/** What a decision needs to know beside the rules and the message. */
export interface Knowledge {
  /** The MX answer of the message's domain. */
  readonly mx?: MxAnswer | undefined
  /** The addresses of the domain, which count where the MX question was answered with NXDOMAIN. */
  readonly addresses?: AddressAnswer | undefined
  /** Is a relay valid (not held, breaker closed), for the rotation of `[attempts]`? Absent: all are. */
  readonly isUsable?: ((relay: Exchange) => boolean) | undefined
}

/** Knowledge of which nothing is missing. */
export type FullKnowledge = Knowledge & { readonly mx: MxAnswer; readonly addresses: AddressAnswer }

/** An answer that a decision needs and does not have. */
export type Missing = 'mx' | 'addresses'
