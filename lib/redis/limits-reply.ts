import type { HostRank } from './host-share'

/** What a host may use of one limit, besides what it had told. */
export interface LimitGrant {
  readonly connections: number
  readonly messages: number
  /** How many other hosts wait for a connection. */
  readonly othersWaiting: number
  /** When the oldest message of all hosts is an hour old, ms from now; 0: none was sent. */
  readonly waitMs: number
}

/** The reply to `LIMITS`. */
export interface LimitsReply {
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly now: number
  /** To be said in the next call. */
  readonly since: number
  readonly rank: HostRank
  /** Have all hosts spoken that were seen before Redis had gone, or had lost what it knew? */
  readonly isSettled: boolean
  readonly grants: readonly LimitGrant[]
}

const HEAD = 6
const FIELDS = 4

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/**
 * Reads a reply as strictly as an answer of a DNS server: others can write to Redis too.
 *
 * @param limits how many were asked for
 * @returns `taken`: another process calls itself by the same name
 * @throws Error if the reply does not fit the question
 */
export function readLimitsReply(reply: unknown, limits: number): LimitsReply | 'taken' {
  if (!Array.isArray(reply)) throw new Error('Redis sent no list')
  if (reply[0] === 'taken') return 'taken'
  const [kind, ...numbers] = reply as [unknown, ...unknown[]]
  if (kind !== 'limits' || numbers.length !== HEAD - 1 + limits * FIELDS || !numbers.every(isCount)) {
    throw new Error('Redis sent something else than what a host may use')
  }
  const [now = 0, since = 0, hosts = 1, rank = 0, settled] = numbers
  return {
    now,
    since,
    rank: { hosts: Math.max(hosts, 1), rank },
    isSettled: settled === 1,
    grants: Array.from({ length: limits }, (_, index) => {
      const at = HEAD - 1 + index * FIELDS
      const [connections = 0, othersWaiting = 0, messages = 0, waitMs = 0] = numbers.slice(at, at + FIELDS)
      return { connections, messages, othersWaiting, waitMs }
    }),
  }
}
