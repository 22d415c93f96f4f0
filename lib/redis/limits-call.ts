import type { HostIdentity } from './host-identity'
import type { HostSlice } from './host-share'
import { PREFIX } from './keys'
import type { DeclaredLimit } from './limit-entry'
import type { KnownHost } from './limits-reply'

/** What a host says of itself in a call of `LIMITS`. */
export interface LimitsHead {
  readonly identity: HostIdentity
  readonly isKept: boolean
  /** Of the call. Redis refuses one that arrives after a later one. */
  readonly number: number
  /** When it is sent, by the clock of Redis; undefined while that is not known. */
  readonly sentAt: number | undefined
  readonly hasJoined: boolean
  /** Is it the first call of this process on a new connection? */
  readonly isRenewed: boolean
  /** Will Redis know all that this host has, with this call? */
  readonly isWhole: boolean
  /** See `LimitsReply`. */
  readonly since: number
  readonly generation: number
  readonly slice: HostSlice
  /** The other hosts, if Redis may not know them. */
  readonly named: readonly KnownHost[] | undefined
}

/** Time after which Redis must not carry out a call: by then the host goes on without Redis. Milliseconds. */
const DEADLINE_MS = 2_000

const flag = (value: boolean) => (value ? 1 : 0)

/** The keys and values of a call. */
export function writeLimitsCall(
  declared: readonly DeclaredLimit[],
  {
    identity,
    isKept,
    number,
    sentAt,
    hasJoined,
    isRenewed,
    isWhole,
    since,
    generation,
    slice,
    named,
  }: LimitsHead,
): { readonly keys: readonly string[]; readonly values: readonly string[] } {
  const keys = declared.flatMap(({ entry: { name } }) => [`${PREFIX}limit:${name}`, `${PREFIX}hours:${name}`])
  const head = [
    identity.id,
    identity.instance,
    identity.about,
    flag(isKept),
    number,
    sentAt === undefined ? 0 : Math.ceil(sentAt + DEADLINE_MS),
    flag(hasJoined),
    flag(isRenewed),
    flag(isWhole),
    since,
    generation,
    slice.begin,
    slice.end,
    named === undefined ? -1 : named.length,
    ...(named ?? []).map(({ id, isKept: comesBack }) => `${flag(comesBack)}${id}`),
  ]
  const values = [...head, ...declared.flatMap(({ values: own }) => own)]
  return { keys: [`${PREFIX}hosts`, `${PREFIX}short`, ...keys], values: values.map(String) }
}
