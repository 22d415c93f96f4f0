import type { AddressAnswer } from '../model/dns-answer'
import { shuffle } from '../dns/shuffle'
import { siftAddresses } from '../routing/sift-addresses'
import type { Located } from '../routing/route'
import type { Endpoint } from '../model/endpoint'
import type { Exchange } from '../model/exchange'
import { familyOf } from '../model/terms'
import type { PlannedExchange } from './delivery/planned-exchange'
import { type HarakaMxClass, toHarakaMx } from './haraka-mx'

/** As Math.random. */
export type Random = () => number

/*
 * A stranger's MX records may name hundreds of hosts with hundreds of addresses. Haraka tries them one after the other, half a minute
 * each where nobody answers: one message would keep its place among those being sent for days, and connect to servers that the
 * stranger has chosen. RFC 5321 section 5.1 allows a limit. What the operator wrote down has none.
 */

/** Exchanges from DNS that one attempt asks addresses of. */
const MOST_HOSTS = 20
/** Addresses of one host from DNS that one attempt tries, of each family. */
const MOST_OF_HOST = 8
/** Addresses from DNS that one attempt tries. */
const MOST_ADDRESSES = 32

/**
 * By priority, equals in random order (RFC 5321 section 5.1): every order of equals is equally likely. Of those from DNS, no more
 * than one attempt may try.
 */
export function sortExchanges(exchanges: readonly Exchange[], random: Random): readonly Exchange[] {
  if (exchanges.length < 2) return exchanges
  // Array.sort is stable: equals stay as shuffled.
  const sorted = shuffle(exchanges, random).sort((a, b) => a.priority - b.priority)
  return firstOf(sorted, MOST_HOSTS, ({ origin }) => origin.kind === 'dns')
}

/** An exchange, or one of its addresses, that takes no part in this attempt. */
export interface PassedOver {
  readonly exchange: Exchange
  readonly reason: string
  readonly level: 'debug' | 'error'
}

/** The answer to `get_mx`, and what is not in it. */
export interface MxList {
  readonly candidates: readonly PlannedExchange[]
  readonly passedOver: readonly PassedOver[]
}

/**
 * Every address of every exchange that can be used, in order; of those from DNS, no more than one attempt may try.
 *
 * @param isOwn does this server itself listen there?
 * @param helo see {@link toHarakaMx}
 */
export function buildMxList(
  HarakaMx: HarakaMxClass,
  located: readonly Located[],
  isOwn: (endpoint: Endpoint) => boolean,
  helo?: string,
): MxList {
  const candidates: PlannedExchange[] = []
  const passedOver: PassedOver[] = []
  let fromDns = 0
  for (const { exchange, answer } of located) {
    const sifted = siftAddresses(exchange, addressesOf(exchange, answer), isOwn)
    for (const { reason, isOwn: isHere } of sifted.passedOver) {
      passedOver.push({ exchange, reason, level: isHere ? 'error' : 'debug' })
    }
    for (const address of sifted.addresses) {
      if (exchange.origin.kind === 'dns' && ++fromDns > MOST_ADDRESSES) continue
      candidates.push({ mx: toHarakaMx(HarakaMx, exchange, address, helo), exchange, address })
    }
  }
  return { candidates, passedOver }
}

function addressesOf({ origin }: Exchange, answer: AddressAnswer): readonly string[] {
  if (answer.kind !== 'addresses') return []
  if (origin.kind !== 'dns') return answer.addresses
  // Of both families, so that a host can be reached where one of them does not work.
  if (answer.addresses.length <= MOST_OF_HOST) return answer.addresses
  const v4 = firstOf(answer.addresses, MOST_OF_HOST, (address) => familyOf(address) === 'v4')
  return firstOf(v4, MOST_OF_HOST, (address) => familyOf(address) === 'v6')
}

/** The list without those of a kind that come after the first `most` of the kind. */
function firstOf<T>(list: readonly T[], most: number, isKind: (item: T) => boolean): T[] {
  let count = 0
  return list.filter((item) => !isKind(item) || ++count <= most)
}
