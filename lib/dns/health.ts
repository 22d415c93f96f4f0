/** How long a server that failed is asked last: after its first failure, and at most. */
const FIRST_PENALTY_MS = 5_000
const LONGEST_PENALTY_MS = 300_000
/** Weight of a new round trip in the smoothed one (as in TCP, RFC 6298 section 2). */
const WEIGHT = 1 / 8
/** Factor by which the round trip of a server shrinks each time that another one is chosen. */
const AGEING = 0.98
/** Round trips below this count as equal: the order of the configuration decides. */
const EQUAL_BELOW_MS = 8

/**
 * What is known of one server: how fast it answers, and whether it works. All times are milliseconds of the clock that is passed in.
 *
 * Failing servers:
 *
 * 1. A server that has failed is asked after all others: for 5 s at first, and twice as long after each further failure, up to five
 *    minutes. Failures during that time belong to queries that were under way, and do not count again.
 * 2. When the time is over, one question is sent to it as a probe, beside the real query: {@link ServerHealth.startProbe} is true
 *    once. No lookup waits for the probe.
 * 3. An answer, to a probe or to a late query, makes it sound again at once. A probe that fails is a further failure (step 1).
 *
 * Speed, which only counts with `order = fastest`:
 *
 * 1. The round trip is smoothed: a new one counts an eighth. The first, and the first after a failure, counts in full.
 * 2. A server that was never asked has the best rank, so that it is used and measured.
 * 3. Each time that another server is chosen, the round trip shrinks by 2 %. So a slow server is measured again now and then, and
 *    gets back to its place when it has become fast.
 */
export class ServerHealth {
  #rttMs: number | undefined
  #failures = 0
  #probeAt = 0
  #isProbed = false
  #heardAt = -Infinity

  /** Smoothed round trip; undefined before the first answer. */
  get rttMs(): number | undefined {
    return this.#rttMs
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  /** For `order = fastest`: the smaller it is, the earlier the server is asked. */
  get speedRank(): number {
    if (this.isFailing) return Infinity
    return this.#rttMs === undefined ? 0 : Math.max(EQUAL_BELOW_MS, this.#rttMs)
  }

  /** It replied, perhaps without an answer. */
  noteReply(now: number): void {
    this.#heardAt = now
  }

  /** Has it replied to anything since then? Then a query without a reply is due to the name, not to the server. */
  hasRepliedSince(time: number): boolean {
    return this.#heardAt > time
  }

  /** It gave an answer, `rttMs` after it was asked. */
  noteAnswer(rttMs: number): void {
    const isFirst = this.#rttMs === undefined || this.isFailing
    this.#rttMs = isFirst ? rttMs : this.#rttMs! + (rttMs - this.#rttMs!) * WEIGHT
    this.recover()
  }

  /** It works, but gave no answer that can be measured. */
  recover(): void {
    this.#failures = 0
    this.#isProbed = false
  }

  noteFailure(now: number): void {
    if (this.isFailing && !this.#isProbed && now < this.#probeAt) return
    this.#failures++
    this.#probeAt = now + Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** (this.#failures - 1))
    this.#isProbed = false
  }

  /** Another server was chosen. */
  noteSkipped(): void {
    if (this.#rttMs !== undefined) this.#rttMs *= AGEING
  }

  /** Is it time to see whether a failing server has recovered? True once; the caller then asks it something. */
  startProbe(now: number): boolean {
    if (!this.isFailing || this.#isProbed || now < this.#probeAt) return false
    this.#isProbed = true
    return true
  }

  /** The probe ended, or was given up. */
  endProbe(): void {
    this.#isProbed = false
  }
}
