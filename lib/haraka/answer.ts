import type { Exchange } from '../model/exchange'
import type { WaitReason } from '../status/facts'
import type { HookAnswer } from './boundary'
import { explainFailure, type Finish } from './failure-reason'
import type { PlannedExchange } from './delivery/planned-exchange'
import { requeueAfterAnswer, type UncountedWait } from './delivery/requeue'
import { NULL_MX } from './haraka-mx'
import type { PassedOver } from './mx-list'
import type { HMailItem } from '../haraka-objects/outbound'
import { type Loggable, RETVAL } from '../haraka-objects/plugin'

/** What becomes of a message at `get_mx`. */
export type GetMxOutcome =
  /** To these addresses, in this order. */
  | {
      readonly kind: 'deliver'
      readonly candidates: readonly PlannedExchange[]
      readonly passedOver: readonly PassedOver[]
    }
  /** Back to the sender. */
  | { readonly kind: 'bounce'; readonly reason: string }
  /** Back to the sender, with Haraka's own words for RFC 7505. */
  | { readonly kind: 'null-mx'; readonly reason: string }
  /** Later, counted as an attempt. */
  | { readonly kind: 'defer'; readonly reason: string }
  /** Later, not counted. */
  | {
      readonly kind: 'wait'
      readonly why: WaitReason
      readonly reason: string
      /** Relays that failed, which counts against them. */
      readonly failedRelays?: readonly Exchange[]
    }

/** What an answer needs of the rest of the plugin. */
export interface AnswerServices {
  /** Milliseconds since the epoch. */
  now(): number
  /** For lines about this message. */
  readonly log: Loggable
  logDecision(outcome: GetMxOutcome): void
  deliver(outcome: Extract<GetMxOutcome, { kind: 'deliver' }>): void
  /**
   * Counts failures against relays.
   *
   * @returns may another relay take the message at once?
   */
  fail(relays: readonly Exchange[], reason: string): boolean
  /** Called when the message begins to wait without an attempt being counted. */
  onWait(wait: UncountedWait): void
  /** Defers the message after a lookup that failed. */
  defer(...parameters: Parameters<Finish>): unknown
}

/** The outcome as an answer of Haraka's hook, and what has to be done at the same moment. */
export function answerOutcome(hmail: HMailItem, outcome: GetMxOutcome, services: AnswerServices): HookAnswer {
  switch (outcome.kind) {
    case 'deliver':
      return {
        retval: RETVAL.ok,
        message: outcome.candidates.map(({ mx }) => mx),
        commit: () => {
          services.logDecision(outcome)
          services.deliver(outcome)
        },
      }
    case 'null-mx':
      return { retval: RETVAL.ok, message: NULL_MX, commit: () => services.logDecision(outcome) }
    case 'bounce':
    case 'defer': {
      const { kind, reason } = outcome
      return {
        retval: kind === 'bounce' ? RETVAL.deny : RETVAL.denysoft,
        message: reason,
        commit: () => {
          services.logDecision(outcome)
          if (kind === 'bounce') explainFailure(hmail, 'bounce', reason)
          else explainFailure(hmail, 'temp_fail', reason, (...all) => services.defer(...all))
        },
      }
    }
    case 'wait': {
      const { why, reason, failedRelays = [] } = outcome
      return {
        retval: RETVAL.denysoft,
        message: reason,
        commit: () => {
          services.logDecision(outcome)
          const atOnce = failedRelays.length > 0 && services.fail(failedRelays, reason)
          requeueAfterAnswer(hmail, {
            reason,
            log: services.log,
            now: () => services.now(),
            onWait: (seconds) => services.onWait({ why, reason, seconds, held: [], full: [] }),
            ...(atOnce ? { seconds: 0 } : {}),
          })
        },
      }
    }
    default:
      return outcome satisfies never
  }
}
