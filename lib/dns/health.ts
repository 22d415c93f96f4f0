/** How long a server that failed is asked last, at first and at most, milliseconds; doubling while it goes on. */
const FIRST_PENALTY = 5_000
const LONGEST_PENALTY = 300_000
/** Weight of a new round trip in the smoothed one (as TCP's, RFC 6298 2). */
const WEIGHT = 1 / 8
/** A server not chosen is taken to be a little faster each time, so that it is measured again now and then. */
const AGEING = 0.98
/** Round trips below this are all alike, milliseconds: the order of the configuration decides. */
const ALIKE = 8

/** What is known of one server: how fast it answers, and whether it does. */
export class ServerHealth {
  #rtt: number | undefined
  #failures = 0
  #retryAt = 0
  #probing = false
  #heardAt = -Infinity

  /** Smoothed round trip, milliseconds; undefined before the first answer. */
  get rtt(): number | undefined {
    return this.#rtt
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  get failing(): boolean {
    return this.#failures > 0
  }

  /** The smaller, the earlier it is asked. One never asked comes first: it is measured by being used. */
  get rank(): number {
    if (this.failing) return Infinity
    return this.#rtt === undefined ? 0 : Math.max(ALIKE, this.#rtt)
  }

  /** It answered, though perhaps with a refusal: it is there. */
  heard(now: number): void {
    this.#heardAt = now
  }

  /** True if it has answered anything since: then a query without reply is the fault of the name that was asked for. */
  heardSince(time: number): boolean {
    return this.#heardAt > time
  }

  /** It gave an answer to what it was asked `rtt` milliseconds ago. */
  answered(rtt: number): void {
    this.#rtt = this.#rtt === undefined || this.failing ? rtt : this.#rtt + (rtt - this.#rtt) * WEIGHT
    this.#failures = 0
    this.#probing = false
  }

  /** Counts once for all that fails together: the queries in flight when a server dies do not add up to the longest penalty. */
  failed(now: number): void {
    if (this.failing && !this.#probing && now < this.#retryAt) return
    this.#failures++
    this.#retryAt = now + Math.min(LONGEST_PENALTY, FIRST_PENALTY * 2 ** (this.#failures - 1))
    this.#probing = false
  }

  passedOver(): void {
    if (this.#rtt !== undefined) this.#rtt *= AGEING
  }

  /** True once, when it is time to see whether a failing server has recovered. The caller then asks it something. */
  wantsProbe(now: number): boolean {
    if (!this.failing || this.#probing || now < this.#retryAt) return false
    this.#probing = true
    return true
  }

  /** A probe that came to no end. */
  probeEnded(): void {
    this.#probing = false
  }
}
