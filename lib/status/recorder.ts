import { hashLine } from '../haraka-files/notes'
import { formatEndpoint } from '../model/endpoint'
import { sectionName, type Exchange } from '../model/exchange'
import { directTitle } from '../relays/section'
import type { Resolver } from '../dns/resolver'
import type { RuleSet } from '../rules/compile'
import { type DecisionSlot, DecisionRing, type Decided } from './decision-ring'
import { COUNTS, type Counts, countKey, type LineHits } from './counts'
import { type Action, DecisionCounts } from './decision-counts'
import { DnsCounts } from './dns-counts'
import type { AttemptEnd, ReadingResult, WaitReason, WorkerFacts, WorkerReport } from './facts'
import { LineHitCounts } from './line-hits'
import { WaitCounts } from './wait-counts'

/** What a report says of this moment, beside what was counted. */
export interface WorkerView extends Pick<WorkerFacts, 'inForce' | 'queue'> {
  /** Absent while there are no rules. */
  readonly resolver?: Resolver
}

/** How a decision was made. */
export interface DecisionBasis {
  readonly rules: RuleSet
  /** How long it took. */
  readonly milliseconds: number
}

/** What an attempt has tried. */
export interface AttemptDetails {
  /** Each connection's exchange, and how it ended. */
  readonly tried: readonly (readonly [Exchange, result: string])[]
  /** Why no server was asked; empty if one was. */
  readonly reason: string
}

/** A wait that is not counted as an attempt. */
export interface Wait {
  readonly why: WaitReason
  /** In words. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly until: number
  /** The sections that it waits for, by `sectionKey`. */
  readonly at: readonly string[]
}

export interface RecorderOptions {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Counts what one process does, and keeps its last decisions. What is called for every message costs well below a microsecond. */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #decisions = new DecisionCounts()
  readonly #ring = new DecisionRing()
  readonly #dns = new DnsCounts()
  readonly #waiting = new WaitCounts()
  readonly #others = new Map<string, number>()
  /** Hits of lines of rule sets that are no longer in force. */
  readonly #earlierHits: Record<string, LineHits>[] = []
  #hits: LineHitCounts | undefined
  #reading: ReadingResult | undefined

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /**
   * A decision was made.
   *
   * @param id of the message, as the log has it
   * @returns for {@link recordEnd}
   */
  recordDecision(id: string, decided: Decided, { rules, milliseconds }: DecisionBasis): DecisionSlot {
    const { decision, action } = decided
    const at = this.#options.now()
    this.#decisions.addTime(milliseconds)
    // Whether one that is to be tried is tried, shows soon: see recordTry(), recordWait() and recordEnd().
    if (action !== 'try') this.#decisions.add(decision.source, action)
    if (decision.matched.length > 0) this.#hitsOf(rules).add(decision.matched, at)
    return this.#ring.add(id, decided, at)
  }

  /** The first server is asked. */
  recordTry(slot: DecisionSlot): void {
    this.#settle(slot, 'try')
  }

  /** The attempt that followed is over. */
  recordEnd(slot: DecisionSlot, end: AttemptEnd, { tried, reason }: AttemptDetails): void {
    this.#settle(slot, end.connections.length > 0 ? 'try' : 'defer')
    if (slot.action === 'defer') slot.reason = reason
    slot.end = end
    slot.hasChanged = true
    for (const [exchange, result] of tried)
      this.#count(countKey(COUNTS.connections, termsLabel(exchange), result))
  }

  /** Lines have saved a recipient from a bounce. @param lines as written, passwords masked */
  recordRescue(lines: readonly string[]): void {
    for (const line of lines) this.#count(countKey(COUNTS.rescues, hashLine(line)))
  }

  /** A message waits. @param slot of the decision after which it does, if there was one */
  recordWait(message: object, wait: Wait, slot: DecisionSlot | undefined): void {
    const { why, reason } = wait
    this.#waiting.add(message, wait)
    if (slot === undefined) return
    this.#settle(slot, why === 'held' ? 'hold' : 'wait')
    slot.wait = why
    slot.reason = reason
    slot.hasChanged = true
  }

  /** A message is tried again. */
  endWait(message: object): void {
    this.#waiting.remove(message)
  }

  /** The file was read. */
  recordReading(result: Omit<ReadingResult, 'at'>): void {
    this.#reading = { ...result, at: this.#options.now() }
    this.#count(countKey(COUNTS.reloads, result.good ? 'good' : 'refused'))
  }

  /** What was counted since the last report, and how things stand. */
  take({ resolver, inForce, queue }: WorkerView): WorkerReport {
    const stats = resolver?.stats()
    const counts: Counts = {
      ...this.#decisions.take(),
      ...Object.fromEntries(this.#others),
      ...(resolver === undefined || stats === undefined ? {} : this.#dns.take(resolver, stats)),
    }
    this.#others.clear()
    return {
      counts,
      hits: this.#takeHits(),
      decisions: this.#ring.take(this.#options.pid),
      worker: {
        pid: this.#options.pid,
        ...(inForce === undefined ? {} : { inForce }),
        ...(this.#reading === undefined ? {} : { reading: this.#reading }),
        dns: {
          entries: stats?.entries ?? 0,
          inFlight: stats?.inFlight ?? 0,
          queued: stats?.queued ?? 0,
          servers: (stats?.servers ?? []).map(({ server, transport, zone, rttMs, failures }) => ({
            server,
            transport,
            ...(zone === undefined ? {} : { zone }),
            ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 100) / 100 }),
            failures,
          })),
        },
        queue,
        ...this.#waiting.count(this.#options.now()),
      },
    }
  }

  /** It is known what is done, and counted. */
  #settle(slot: DecisionSlot, action: Action): void {
    if (slot.action !== undefined) return
    slot.action = action
    this.#decisions.add(slot.source, action)
  }

  #count(key: string): void {
    this.#others.set(key, (this.#others.get(key) ?? 0) + 1)
  }

  #hitsOf(rules: RuleSet): LineHitCounts {
    if (this.#hits?.rules === rules) return this.#hits
    if (this.#hits !== undefined) this.#earlierHits.push(this.#hits.take())
    this.#hits = new LineHitCounts(rules)
    return this.#hits
  }

  #takeHits(): Record<string, LineHits> {
    const all = { ...this.#hits?.take() }
    for (const earlier of this.#earlierHits.splice(0)) {
      for (const [key, { count, last }] of Object.entries(earlier)) {
        all[key] = { count: (all[key]?.count ?? 0) + count, last: Math.max(all[key]?.last ?? 0, last) }
      }
    }
    return all
  }
}

/** What the connections to a server are counted under: NAME of its section, `[direct]`, or the server of an override line. */
function termsLabel(exchange: Exchange): string {
  const name = sectionName(exchange)
  if (name !== undefined) return name
  return exchange.relay === undefined ? directTitle(undefined) : formatEndpoint(exchange.endpoint)
}
