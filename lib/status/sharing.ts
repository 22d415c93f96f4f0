import type { Facts, SharingFacts } from './facts'
import type { HitScope } from './facts-file'
import { formatCount, formatTime, joinWords } from './wording'

/** The most servers that are named. */
const MOST_NAMED = 20

/** `mail1 (2 workers) and mail2 (2 workers)`. */
function describeServers({ servers }: SharingFacts): string {
  const named: string[] = servers
    .slice(0, MOST_NAMED)
    .map(({ name, workers }) => `${name} (${formatCount(workers, 'worker')})`)
  if (servers.length > MOST_NAMED) named.push(`${servers.length - MOST_NAMED} more`)
  return joinWords(named)
}

/** Whose hits of lines are known: those of all servers that share, as soon as Redis has said them. */
export const hitScopeOf = (facts: Pick<Facts, 'sharing'> | undefined): HitScope =>
  facts?.sharing === undefined ? 'server' : 'all'

/** `on 2 servers since 2026-05-17 12:00:00 UTC`, or `in 3 workers since ...`: where hits of lines are counted. */
export function describeCounting({
  workers,
  started,
  sharing,
}: Pick<Facts, 'started' | 'sharing'> & { readonly workers: number }): string {
  return sharing === undefined
    ? `in ${formatCount(workers, 'worker')} since ${formatTime(started)}`
    : `on ${formatCount(sharing.servers.length, 'server')} since ${formatTime(sharing.since)}`
}

/** Does Redis answer, and which servers share by it? undefined: Redis is not used. */
export function describeSharing({
  redisUp,
  sharing,
}: Pick<Facts, 'redisUp' | 'sharing'>): string | undefined {
  if (redisUp === undefined) return undefined
  if (!redisUp) return 'Redis does not answer: each server goes on by itself'
  return sharing === undefined
    ? 'Redis answers'
    : `Redis answers; ${formatCount(sharing.servers.length, 'server')} share${sharing.servers.length === 1 ? 's' : ''}: ${describeServers(sharing)}`
}

/** What stands after a figure that other servers have too, and that is not added up over them; empty without Redis. */
export const describeScope = (facts: Pick<Facts, 'redisUp'> | undefined): string =>
  facts?.redisUp === undefined ? '' : ', of this server alone'

/** The same as `--json` prints it. */
export const sharingJson = ({ redisUp, sharing }: Pick<Facts, 'redisUp' | 'sharing'>) =>
  redisUp === undefined ? {} : { redis: { answers: redisUp, servers: sharing?.servers ?? [] } }
