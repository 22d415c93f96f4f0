/** A day of mail to very many domains: which domain each message goes to, when, and what DNS says of the domain. */
import { type Random, randomFrom } from '../support/dns-fuzz'

export const DAY_SECONDS = 86_400
/** An absence is remembered so long, seconds. */
export const NEGATIVE_TTL = 300
/** What is a shared host of one of the large providers: several per provider, with a short TTL. */
const PROVIDER_HOSTS = 5
/** Of the whole day. */
const PROVIDERS = 20
/** At its busiest the day has 1.6 times its average. */
const SWING = 0.6

/** What DNS says of a domain. */
export interface DomainData {
  /** Absent: the domain does not exist. */
  readonly mx?: { readonly ttl: number; readonly hosts: readonly HostData[] }
}

/** A host of IPv4 alone. */
export interface HostData {
  readonly name: string
  readonly ttl: number
}

/** TTLs that are common, seconds, and how often each is chosen of a hundred. */
const TTLS: readonly (readonly [number, number])[] = [
  [300, 35],
  [3_600, 45],
  [14_400, 12],
  [86_400, 8],
]

function chooseTtl(random: Random): number {
  let left = random() * 100
  for (const [ttl, share] of TTLS) {
    left -= share
    if (left < 0) return ttl
  }
  return TTLS[0]![0]
}

/**
 * The domain of a rank, 0 for the one with the most mail. The mix is an assumption: of a hundred, two do not exist, 35 are at a provider
 * that has a host for each customer (its address lives 10 s), 25 at one with five hosts for all (300 s), and the rest have one or two
 * hosts of their own.
 *
 * @param part see {@link DayMail}
 */
export function domainData(rank: number, part = 1): DomainData {
  const random = randomFrom(rank, 1)
  const kind = random() * 100
  if (kind < 2) return {}
  const ttl = chooseTtl(random)
  if (kind < 37) return { mx: { ttl: 3_600, hosts: [{ name: `d${rank}.customers.example`, ttl: 10 }] } }
  if (kind < 62) {
    const provider = Math.floor(random() * Math.ceil(PROVIDERS / part))
    const hosts = Array.from({ length: PROVIDER_HOSTS }, (_, n) => ({
      name: `mx${n}.p${provider}.example`,
      ttl: 300,
    }))
    return { mx: { ttl, hosts } }
  }
  const own = random() < 0.5 ? 1 : 2
  const hostTtl = chooseTtl(random)
  return {
    mx: {
      ttl,
      hosts: Array.from({ length: own }, (_, n) => ({ name: `mx${n}.d${rank}.example`, ttl: hostTtl })),
    },
  }
}

export const domainName = (rank: number) => `d${rank}.example`
/** The rank that is in a name, or undefined for a host of a provider. */
export const rankOf = (name: string): number => Number(/(?:^|\.)d(\d+)\./.exec(name)?.[1])

/**
 * Draws domains so that the n-th of all has a share in proportion to 1/n (Zipf). One domain of the part stands for each group of so many
 * that follow each other, and gets their average: each then has as much mail as one of the whole.
 */
function drawRanks({ domains, part }: DayMail, random: Random): () => number {
  const sums = new Float64Array(Math.floor(domains / part))
  let sum = 0
  for (let n = 1; n <= sums.length * part; n++) {
    sum += 1 / n
    if (n % part === 0) sums[n / part - 1] = sum
  }
  return () => {
    const wanted = random() * sum
    let [low, high] = [0, sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The mail of a day, of which one in `part` messages and domains is played. */
export interface DayMail {
  readonly messages: number
  readonly domains: number
  readonly part: number
  readonly seed: number
}

/** Calls `each` for every message of a day, in order, with its second and the rank of its domain. */
export async function eachMessage(
  mail: DayMail,
  each: (second: number, rank: number) => void | Promise<void>,
): Promise<void> {
  const random = randomFrom(mail.seed, 0)
  const nextRank = drawRanks(mail, random)
  const messages = mail.messages / mail.part
  let sent = 0
  let due = 0
  for (let second = 0; second < DAY_SECONDS; second++) {
    due += (messages / DAY_SECONDS) * (1 - SWING * Math.cos((2 * Math.PI * second) / DAY_SECONDS))
    for (; sent < due; sent++) {
      const pending = each(second, nextRank())
      if (pending !== undefined) await pending
    }
  }
}
