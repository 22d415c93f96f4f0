import type { HostIdentity } from './host-identity'
import type { HostMemory } from './host-memory'
import { type HostSlice, NO_SLICE, WHOLE } from './host-share'
import type { LimitsHead } from './limits-call'
import { OVERLAP_MS } from './limits-hosts-script'
import type { KnownHost, LimitsRefusal, LimitsReply } from './limits-reply'

export interface HostMembershipOptions {
  readonly identity: HostIdentity
  /** Makes another identity, for when another process has the same. */
  readonly renew: () => HostIdentity
  readonly memory: HostMemory
}

/** Time for which the last process of this name is waited for. One that still lives then is another host. Milliseconds. */
const OTHER_HOST_MS = OVERLAP_MS + 3_000

const UNSETTLED = { connections: false, messages: false }

/** This host among those that share: its name, its slice, and what it knows of the others. Times are of the monotonic clock. */
export class HostMembership {
  readonly #renew: () => HostIdentity
  readonly #memory: HostMemory
  /** Messages that it might send of each limit when it was ended, if Redis was gone then. */
  readonly had: ReadonlyMap<string, number>
  /** Has it ever been one of several? */
  readonly isRemembered: boolean
  #identity: HostIdentity
  /** Is this process in the list of hosts? */
  #hasJoined = false
  #isRenewed = false
  /** Must the next call name the other hosts? */
  #isNaming = true
  #known: readonly KnownHost[]
  #slice: HostSlice
  #generation = 0
  #since = 0
  #hosts = 1
  #isSettled: LimitsReply['isSettled'] = UNSETTLED
  #number = 0
  #serial = 0
  #sameNameAt: number | undefined
  /** How far the clock of Redis is ahead of ours, ms. */
  #clockOffset: number | undefined

  constructor({ identity, renew, memory }: HostMembershipOptions) {
    this.#identity = identity
    this.#renew = renew
    this.#memory = memory
    const remembered = memory.read()
    this.isRemembered = remembered !== undefined
    this.had = remembered?.had ?? new Map<string, number>()
    this.#slice = remembered?.slice ?? NO_SLICE
    this.#known = remembered?.known ?? []
  }

  /** The hosts that live. */
  get hosts(): number {
    return this.#hosts
  }

  get slice(): HostSlice {
    return this.#slice
  }

  /** Is all known that the others have? */
  get isSettled(): LimitsReply['isSettled'] {
    return this.#isSettled
  }

  /** Does this host have all of each limit? Then nobody else gets anything before this host knows of it. */
  get hasAll(): boolean {
    return this.#hasJoined && this.#slice.end - this.#slice.begin === WHOLE
  }

  get clockOffset(): number | undefined {
    return this.#clockOffset
  }

  /**
   * A new connection may lead to another Redis, or to one that has lost its data.
   *
   * @returns is it a new one?
   */
  noteConnection(serial: number): boolean {
    if (serial === this.#serial) return false
    this.#serial = serial
    this.#isRenewed = this.#hasJoined
    this.#startOver()
    return true
  }

  /** Redis is gone. */
  noteLoss(): void {
    this.#isSettled = UNSETTLED
  }

  /** What the next call says of this host. */
  head({ isWhole, sentAt }: { readonly isWhole: boolean; readonly sentAt: number }): LimitsHead {
    return {
      identity: this.#identity,
      isKept: this.#memory.isKept,
      number: ++this.#number,
      sentAt: this.#clockOffset === undefined ? undefined : sentAt + this.#clockOffset,
      hasJoined: this.#hasJoined,
      isRenewed: this.#isRenewed,
      isWhole,
      since: this.#since,
      generation: this.#generation,
      slice: this.#slice,
      named: this.#isNaming ? this.#known : undefined,
    }
  }

  /**
   * Redis showed the time `now` in its reply to a call of `sentAt`. The offset may be too large, never too small: so a message counts
   * for too long rather than for too short a time.
   */
  noteClock(now: number, sentAt: number): void {
    this.#clockOffset = now - sentAt
  }

  /** @returns must everything be declared again? */
  noteRefusal({ kind }: LimitsRefusal, now: number): boolean {
    if (kind === 'wait') this.#sameNameAt ??= now
    const isAnother = kind === 'wait' && now - (this.#sameNameAt ?? now) >= OTHER_HOST_MS
    if (kind === 'taken' || isAnother) {
      this.#identity = this.#renew()
      this.#hasJoined = false
      this.#isRenewed = false
      this.#sameNameAt = undefined
    } else if (kind !== 'forgotten') return false
    this.#startOver()
    return true
  }

  /** @returns has anything changed that others wait to see confirmed? */
  take(reply: LimitsReply): boolean {
    const { slice, known, generation, isSettled } = reply
    const isSameSlice = slice.begin === this.#slice.begin && slice.end === this.#slice.end
    const isChanged = !isSameSlice || known !== undefined || generation !== this.#generation
    this.#hasJoined = true
    this.#isRenewed = false
    this.#isNaming = false
    this.#sameNameAt = undefined
    this.#since = reply.since
    this.#generation = generation
    this.#hosts = reply.hosts
    this.#slice = slice
    this.#isSettled = isSettled
    if (known !== undefined) this.#known = known.filter(({ id }) => id !== this.#identity.id)
    return isChanged
  }

  /** Writes to the state folder what must be known after a restart. @param had see `RememberedHosts` */
  remember(had: ReadonlyMap<string, number>): void {
    this.#memory.write({ slice: this.#slice, known: this.#known, had })
  }

  #startOver(): void {
    this.#clockOffset = undefined
    this.#since = 0
    this.#generation = 0
    this.#isNaming = true
    this.#isSettled = UNSETTLED
  }
}
