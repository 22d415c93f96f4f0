import { HOUR_MS } from '../model/duration'
import { type HostSlice, WHOLE } from './host-share'
import { isField } from './keys'
import { MOST_HOSTS } from './limits-hosts-script'

/** What a host may use of one limit, besides what it has declared. */
export interface LimitGrant {
  readonly connections: number
  readonly messages: number
  /** How many other hosts wait for a connection. */
  readonly othersWaiting: number
  /** When there may be more messages, ms from now; 0 if that is not known. */
  readonly waitMs: number
}

/** A host that shares. */
export interface KnownHost {
  readonly id: string
  /** Does it come back with the same name and slice after a restart? */
  readonly isKept: boolean
}

/** The reply to `LIMITS` that counts. */
export interface LimitsReply {
  readonly kind: 'limits'
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly now: number
  /** For the next call. */
  readonly since: number
  /** Of the list of hosts. */
  readonly generation: number
  readonly slice: HostSlice
  /** Is all known that other hosts may hold: of connections, and of messages? */
  readonly isSettled: { readonly connections: boolean; readonly messages: boolean }
  /** Hosts that live. */
  readonly hosts: number
  /** All hosts, with this one; undefined if they have not changed. */
  readonly known: readonly KnownHost[] | undefined
  /** Names of limits of which other hosts need messages. */
  readonly short: readonly string[]
  readonly grants: readonly LimitGrant[]
}

/** Why a call did not count. */
export interface LimitsRefusal {
  /**
   * - `clock`: it came too late, or was sent without the time of Redis
   * - `taken`: another process has this name now
   * - `wait`: the last process of this name may still live
   * - `forgotten`: Redis has lost what this host had declared
   */
  readonly kind: 'clock' | 'taken' | 'wait' | 'forgotten'
  readonly now: number
}

/** The longest wait: an hour, and a minute for counts by bucket and for hosts that were gone for a while. Milliseconds. */
const LONGEST_WAIT_MS = HOUR_MS + 60_000
const MOST_SHORT = 100_000

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isRefusal = (value: unknown): value is LimitsRefusal['kind'] =>
  value === 'clock' || value === 'taken' || value === 'wait' || value === 'forgotten'

/**
 * Reads a reply as strictly as an answer of a DNS server: others can write to Redis too.
 *
 * @param limits how many were asked for
 * @throws Error if the reply does not fit the question
 */
export function readLimitsReply(reply: unknown, limits: number): LimitsReply | LimitsRefusal {
  if (!Array.isArray(reply)) throw new Error('Redis sent no list')
  const values: readonly unknown[] = reply
  let at = 0
  const readCount = (): number => {
    const value = values[at++]
    if (!isCount(value)) throw new Error('Redis sent something other than what a host may use')
    return value
  }
  const readList = <T>(most: number, read: (value: unknown) => T | undefined): readonly T[] => {
    const length = readCount()
    if (length > most) throw new Error('Redis sent a list that is too long')
    at += length
    return values.slice(at - length, at).flatMap((value) => read(value) ?? [])
  }
  const kind = values[at++]
  if (isRefusal(kind)) return { kind, now: readCount() }
  if (kind !== 'limits') throw new Error('Redis sent something other than what a host may use')
  const [now, since, generation] = [readCount(), readCount(), readCount()]
  const slice = { begin: readCount(), end: readCount() }
  if (slice.begin > slice.end || slice.end > WHOLE) throw new Error('Redis sent a slice that does not exist')
  const isSettled = { connections: readCount() === 1, messages: readCount() === 1 }
  const hosts = Math.max(readCount(), 1)
  const known = readList(MOST_HOSTS + 1, readHost)
  const short = readList(MOST_SHORT, (value) => (isField(value) ? value : undefined))
  const grants = Array.from({ length: limits }, () => ({
    connections: readCount(),
    othersWaiting: readCount(),
    messages: readCount(),
    waitMs: Math.min(readCount(), LONGEST_WAIT_MS),
  }))
  if (at !== values.length) throw new Error('Redis sent more than what a host may use')
  return {
    kind,
    now,
    since,
    generation,
    slice,
    isSettled,
    hosts,
    known: known.length === 0 ? undefined : known,
    short,
    grants,
  }
}

function readHost(value: unknown): KnownHost | undefined {
  if (typeof value !== 'string' || !/^[01]/.test(value)) return undefined
  const id = value.slice(1)
  return isField(id) ? { id, isKept: value.startsWith('1') } : undefined
}
