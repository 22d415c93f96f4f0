import { isIP } from 'node:net'
import { ResolveError } from '../model/errors'
import type { AddressAnswer, InetPrefer, MxAnswer, Provenance } from '../model/dns-answer'
import type { CacheEntry } from './cache'
import { secondsLeft } from './lookups'
import { shuffle } from './shuffle'
import type { Answer, Content } from './types'

/** The answer to one of the two address questions, or why it is missing. */
export type FamilyAnswer = Answer<'A' | 'AAAA'> | ResolveError

/** How the addresses of a host are put in order. */
export interface AddressOrder {
  readonly prefer: InetPrefer
  /** As Math.random. */
  readonly random: () => number
}

/** A domain's MX from the answer to the MX question. */
export function mxAnswer(content: Content<'MX'>, { how, server, ttlSeconds }: Provenance): MxAnswer {
  switch (content.kind) {
    case 'records':
      return { kind: 'mx', records: content.records, how, server, ttlSeconds }
    case 'nodata':
      return { kind: 'nodata', proven: content.proven, how, server, ttlSeconds }
    case 'nullmx':
    case 'nxdomain':
      return { kind: content.kind, how, server, ttlSeconds }
    default:
      return content satisfies never
  }
}

/** A host's addresses from two remembered answers. */
export function rememberedAddresses(
  v4: CacheEntry<'A'>,
  v6: CacheEntry<'AAAA'>,
  now: number,
  { prefer, random }: AddressOrder,
): AddressAnswer {
  const [first, second] = prefer === 'v4' ? [v4.content, v6.content] : [v6.content, v4.content]
  const entry = v4.expiresAt < v6.expiresAt ? v4 : v6
  const ttlSeconds = secondsLeft(entry, now)
  const { server } = entry
  const addresses = first.kind === 'records' ? shuffle(first.records, random) : []
  if (second.kind === 'records') addresses.push(...shuffle(second.records, random))
  return addresses.length > 0
    ? { kind: 'addresses', addresses, how: 'cached', server, ttlSeconds }
    : {
        kind: 'none',
        proven: isProvenAbsent(first) && isProvenAbsent(second),
        how: 'cached',
        server,
        ttlSeconds,
      }
}

/** A host's addresses from both families. If one family failed, that counts only if the other has no address either. */
export function joinFamilies(
  v4: FamilyAnswer,
  v6: FamilyAnswer,
  { prefer, random }: AddressOrder,
): AddressAnswer {
  const families = prefer === 'v4' ? [v4, v6] : [v6, v4]
  const answers = families.flatMap((family) => (family instanceof ResolveError ? [] : [family]))
  const found = answers.flatMap((answer) => (answer.kind === 'records' ? [answer] : []))
  if (found.length > 0) {
    const addresses = found.flatMap(({ records }) => shuffle(records, random))
    return { kind: 'addresses', addresses, ...joinProvenance(found) }
  }
  const failure = families.find((family) => family instanceof ResolveError)
  return failure === undefined
    ? { kind: 'none', proven: answers.every(isProvenAbsent), ...joinProvenance(answers) }
    : { kind: 'failed', error: failure }
}

/** Addresses in random order within each family. */
export function sortAddresses(addresses: readonly string[], { prefer, random }: AddressOrder): string[] {
  const shuffleFamily = (family: 4 | 6) =>
    shuffle(
      addresses.filter((address) => isIP(address) === family),
      random,
    )
  const [first, second] = prefer === 'v4' ? ([4, 6] as const) : ([6, 4] as const)
  return [...shuffleFamily(first), ...shuffleFamily(second)]
}

function isProvenAbsent(content: Content<'A' | 'AAAA'>): boolean {
  return content.kind === 'nxdomain' || (content.kind === 'nodata' && content.proven)
}

/** The provenance of an answer that is made of several. */
function joinProvenance(answers: readonly Provenance[]): Provenance {
  const has = (how: Provenance['how']) => answers.some((answer) => answer.how === how)
  return {
    how: has('stale') ? 'stale' : has('fresh') ? 'fresh' : 'cached',
    server: answers[0]!.server,
    ttlSeconds: Math.min(...answers.map(({ ttlSeconds }) => ttlSeconds)),
  }
}
