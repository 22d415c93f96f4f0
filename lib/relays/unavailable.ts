import { exchangeLabel, type Exchange } from '../model/exchange'
import type { Breaker } from './breaker'
import type { Clock } from './clock'
import type { Hold } from './holds'
import type { NoPlace } from './limited-places'
import { sectionLabel } from './section'
import type { Unavailable } from './types'

const formatTimeOfDay = (at: number) => new Date(at).toISOString().slice(11, 19)
/** Of a hold that may end on another day. */
const formatTime = (at: number) => new Date(at).toISOString().slice(0, 19).replace('T', ' ')

/** The section is held by hand. */
export function explainHold(exchange: Exchange, hold: Hold): Unavailable {
  const until = hold.until === undefined ? '' : ` until ${formatTime(hold.until)} UTC`
  const reason = hold.reason === undefined ? '' : `: ${hold.reason}`
  return {
    usable: false,
    why: 'held',
    message: `${sectionLabel(exchange)} is held by hand${until}${reason}`,
    ...(hold.until === undefined ? {} : { until: hold.until }),
  }
}

/**
 * Why the server's breaker keeps mail away from it; undefined if it does not.
 *
 * @param now milliseconds since the epoch
 */
export function explainBreaker(exchange: Exchange, breaker: Breaker, now: number): Unavailable | undefined {
  const label = exchangeLabel(exchange)
  const view = breaker.view(now)
  if (view.state === 'open') {
    const message = `${label} is left out until ${formatTimeOfDay(view.until)} UTC: ${breaker.lastFailure}`
    return { usable: false, why: 'breaker', message, until: view.until }
  }
  return view.state === 'trial' ? explainTrial(exchange, breaker) : undefined
}

/** Another message tries the server. */
export function explainTrial(exchange: Exchange, { lastFailure }: Breaker): Unavailable {
  const message = `${exchangeLabel(exchange)} is being tried by another message after: ${lastFailure}`
  return { usable: false, why: 'breaker', message }
}

/** The section is at one of its limits. */
export function explainLimit(
  exchange: Exchange,
  { why, until }: NoPlace,
  clock: Pick<Clock, 'wall' | 'monotonic'>,
): Unavailable {
  const { maxConnections, maxPerHour } = exchange.terms
  const label = sectionLabel(exchange)
  const wallUntil = Math.ceil(clock.wall() + until - clock.monotonic())
  switch (why) {
    case 'quota': {
      const message = `${label} has reached its max_per_hour of ${maxPerHour}`
      return { usable: false, why, message, until: wallUntil }
    }
    case 'connections':
      return { usable: false, why, message: `${label} has reached its max_connections of ${maxConnections}` }
    case 'unknown': {
      const message = `${label} has limits, and the master process does not answer`
      return { usable: false, why: 'connections', message, until: wallUntil }
    }
  }
}
