import type { Exchange } from '../../model/exchange'
import { sectionKey } from '../../relays/section'
import type { Unavailable } from '../../relays/types'
import { shorten } from '../../smtp/reply-reader'
import type { AttemptPlan, AttemptStep, AttemptWorld, Candidate } from './attempt-types'

/** A server that took no part, and why. */
export interface SkippedServer {
  readonly exchange: Exchange
  readonly unavailable: Unavailable
}

/** An attempt that has no address left. */
export interface SpentAttempt {
  readonly plan: Pick<AttemptPlan<Candidate>, 'source' | 'fallbackRelays'>
  readonly skipped: readonly SkippedServer[]
  /** Servers that were tried. */
  readonly visits: number
  /** Those of them that are the operator's, and failed. */
  readonly relayFailures: number
  /** What went wrong at each, in order. */
  readonly reasons: readonly string[]
}

/** A step that ends an attempt. */
export type LastStep = Extract<AttemptStep<never>, { readonly kind: 'requeue' | 'wait' | 'give-back' }>

/** Failures of one attempt that its reason names. */
const MOST_REASONS = 3

/**
 * What becomes of a message for which no address is left:
 *
 * 1. A server that is held or full will take it later: it waits, and no attempt is counted.
 * 2. With `[attempts]`, if every relay failed, no attempt is counted either: the recipient's server was never asked.
 * 3. Else Haraka defers it, and counts the attempt.
 */
export function endAttempt(spent: SpentAttempt, world: Pick<AttemptWorld, 'look'>): LastStep {
  const { source, fallbackRelays } = spent.plan
  const hasFallback = source === 'attempts' && fallbackRelays.some((exchange) => world.look(exchange).usable)
  return (
    waitForRoom(spent, hasFallback) ??
    blameRelay(spent, hasFallback) ?? { kind: 'give-back', reason: summarize(spent.reasons) }
  )
}

function waitForRoom({ skipped }: SpentAttempt, hasFallback: boolean): LastStep | undefined {
  const sections = new Map(
    skipped
      .filter(({ unavailable }) => unavailable.why !== 'breaker')
      .map((one) => [sectionKey(one.exchange), one]),
  )
  const full = [...sections.values()]
  if (full.length === 0) return undefined
  const reason = full.map(({ unavailable }) => unavailable.message).join('; ')
  if (hasFallback) return { kind: 'requeue', reason, seconds: 0 }
  const waitFor = full.flatMap(({ unavailable, exchange }) => (unavailable.why === 'held' ? [] : [exchange]))
  return { kind: 'wait', reason, waitFor }
}

function blameRelay(
  { plan, visits, relayFailures }: SpentAttempt,
  hasFallback: boolean,
): LastStep | undefined {
  if (plan.source !== 'attempts' || visits === 0 || relayFailures < visits) return undefined
  const reason = 'the relay failed, not the recipient'
  return hasFallback
    ? { kind: 'requeue', reason: `${reason}; another is tried next`, seconds: 0 }
    : { kind: 'requeue', reason }
}

/** The last few of what went wrong. */
function summarize(reasons: readonly string[]): string {
  const more = reasons.length - MOST_REASONS
  const last = reasons.slice(-MOST_REASONS).join('; ')
  return shorten(more > 0 ? `${last}; and ${more} before` : last)
}
