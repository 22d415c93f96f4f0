import type { AddressAnswer } from '../model/dns-answer'
import { isMapped, unmapAddress } from '../model/domain'
import { formatEndpoint, type Endpoint } from '../model/endpoint'
import type { Exchange } from '../model/exchange'
import { whyPassedOver } from '../model/terms'

/** The addresses of an exchange that are connected to, and why others are not. */
export interface SiftedAddresses {
  readonly addresses: readonly string[]
  readonly passedOver: readonly { readonly reason: string; readonly isOwn: boolean }[]
}

/**
 * Leaves out addresses that do not fit `bind` and `family`, and those where this server itself listens. What is left is in the form that
 * Haraka's check of local addresses (`outbound.ini` `local_mx_ok`) knows.
 *
 * @param given as DNS has them
 * @param isOwn does this server itself listen there?
 */
export function siftAddresses(
  { endpoint, terms }: Exchange,
  given: readonly string[],
  isOwn: (endpoint: Endpoint) => boolean,
): SiftedAddresses {
  const addresses = given.some(isMapped) ? given.map(unmapAddress) : given
  const fitting = addresses.filter((address) => whyPassedOver(terms, address) === undefined)
  const [first] = addresses
  if (fitting.length === 0 && first !== undefined) {
    const reason = `none of its addresses can be used with ${whyPassedOver(terms, first)}`
    return { addresses: [], passedOver: [{ reason, isOwn: false }] }
  }
  const own = fitting.filter((host) => isOwn({ host, port: endpoint.port }))
  if (own.length === 0) return { addresses: fitting, passedOver: [] }
  return {
    addresses: fitting.filter((address) => !own.includes(address)),
    passedOver: own.map((host) => ({
      reason: `${formatEndpoint({ host, port: endpoint.port })} is this server itself`,
      isOwn: true,
    })),
  }
}

/** Why nothing is sent to an exchange that has addresses; undefined if something may be. */
export function whyNoneIsLeft(
  exchange: Exchange,
  answer: AddressAnswer,
  isOwn: (endpoint: Endpoint) => boolean,
): string | undefined {
  if (answer.kind !== 'addresses') return undefined
  const { addresses, passedOver } = siftAddresses(exchange, answer.addresses, isOwn)
  return addresses.length > 0 ? undefined : passedOver.map(({ reason }) => reason).join('; ')
}
