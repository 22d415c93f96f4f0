import { exchangeLabel, type Exchange } from '../model/exchange'
import type { Located } from '../routing/route'
import type { DecisionSlot } from '../status/decision-ring'
import type { Recorder } from '../status/recorder'
import type { AnswerServices, GetMxOutcome } from './answer'
import { recordDecision, type TimedMessage } from './decision-record'
import { type AftermathServices, deferWithoutConnection } from './delivery/aftermath'
import { recordEnd } from './delivery/attempt-record'
import {
  type AttemptContext,
  type AttemptReport,
  AttemptRunner,
  type AttemptServices,
} from './delivery/attempt-runner'
import type { DeliveryHooks } from './delivery/hooks'
import type { UncountedWait } from './delivery/requeue'
import type { HarakaModules } from './haraka-modules'
import { attemptLine } from './log-line'
import type { HMailItem } from '../haraka-objects/outbound'
import type { Loggable } from '../haraka-objects/plugin'

/** What the answers for all messages need of the plugin. */
export interface AnsweringParts extends AttemptServices {
  readonly haraka: HarakaModules
  readonly hooks: DeliveryHooks
  readonly recorder: Recorder
  readonly logOf: (hmail: HMailItem) => Loggable
  /** What becomes of a message that was not delivered. */
  readonly makeAftermath: (message: TimedMessage) => AftermathServices
  /** Counts failures against relays. @returns may one of the others take the message at once? */
  readonly fail: (relays: readonly Exchange[], reason: string, others: readonly Exchange[]) => boolean
  /** A message begins to wait. @param slot of its decision, if there was one */
  readonly noteWait: (hmail: HMailItem, wait: UncountedWait, slot: DecisionSlot | undefined) => void
}

/**
 * One message from the answer to `get_mx` to the end of its attempt: what both need of the plugin. It lives as long as the message is
 * being sent, so that V8 moves it to the old part of the heap: one object is a fifth of a function for each of its methods.
 */
export class AnsweredMessage implements AnswerServices, AttemptContext {
  readonly services: AnsweringParts
  readonly log: Loggable
  readonly #message: TimedMessage
  #located: readonly Located[]
  #slot: DecisionSlot | undefined

  constructor(services: AnsweringParts, message: TimedMessage, located: readonly Located[]) {
    this.services = services
    this.log = services.logOf(message.hmail)
    this.#message = message
    this.#located = located
  }

  now(): number {
    return this.services.now()
  }

  logDecision(outcome: GetMxOutcome): void {
    const { haraka, recorder } = this.services
    const written = haraka.isLogged('INFO') ? this.log : undefined
    this.#slot = recordDecision(this.#message, { outcome, located: this.#located }, recorder, written)
    // Half a kilobyte that an attempt would keep in memory.
    this.#located = []
  }

  deliver({ candidates, passedOver }: Extract<GetMxOutcome, { kind: 'deliver' }>): void {
    const { hmail, decision } = this.#message
    for (const { reason, exchange, level } of passedOver) {
      this.log[`log${level}`](`${exchangeLabel(exchange)} is passed over: ${reason}`)
    }
    const plan = {
      candidates,
      source: decision.source,
      fallbackRelays: decision.fallbackRelays ?? [],
      passedOver: passedOver.map(({ reason, exchange }) => `${exchangeLabel(exchange)}: ${reason}`),
    }
    this.services.hooks.install(hmail, new AttemptRunner(hmail, plan, this))
  }

  fail(relays: readonly Exchange[], reason: string): boolean {
    return this.services.fail(relays, reason, this.#message.decision.fallbackRelays ?? [])
  }

  defer(inner: HMailItem['temp_fail'], reason: unknown, extra: unknown): void {
    deferWithoutConnection(this.#message.hmail, this.makeAftermath(), { inner, reason, extra })
  }

  makeAftermath(): AftermathServices {
    return this.services.makeAftermath(this.#message)
  }

  onTry(): void {
    if (this.#slot !== undefined) this.services.recorder.recordTry(this.#slot)
  }

  onWait(wait: UncountedWait): void {
    this.services.noteWait(this.#message.hmail, wait, this.#slot)
  }

  onEnd(report: AttemptReport): void {
    const { haraka, recorder, now } = this.services
    if (haraka.isLogged('DEBUG')) this.log.logdebug(attemptLine(report))
    if (this.#slot !== undefined) recordEnd(recorder, this.#slot, report, now())
  }
}
