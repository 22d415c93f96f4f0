import type { Exchange } from '../../model/exchange'
import type { WaitReason } from '../../status/facts'
import { type Loggable, RETVAL } from '../../haraka-objects/plugin'
import { replaceNextCall } from '../../haraka-objects/patch'
import type { OutboundItem } from '../../haraka-objects/outbound'
import type { DeliveryQueue } from './delivery-queue'

/** Haraka's default for its first attempt (`outbound/config.js`), where its settings cannot be seen. Seconds. */
const FALLBACK_INTERVAL_SECONDS = 64
/**
 * How long a message may wait at least, milliseconds. Retry intervals of minutes, or `none`, say how patient an operator is with other
 * people's servers: a limit or a hold of his own must not bounce what was never tried.
 */
const SHORTEST_PATIENCE_MS = 86_400_000

/** Retry intervals in seconds, as `outbound.ini` `temp_fail_intervals` gave them. */
export function readRetryIntervals(hmail: OutboundItem): readonly number[] {
  return hmail.cfg?.temp_fail_intervals ?? []
}

/** Seconds until Haraka would try again after its next failure. */
function retryInterval(hmail: OutboundItem): number {
  const all = readRetryIntervals(hmail)
  return all[Math.min(hmail.num_failures, all.length - 1)] ?? FALLBACK_INTERVAL_SECONDS
}

/**
 * Is the message older than all of Haraka's retry intervals together, and older than a day? Then a wait counts as an attempt, so that
 * no message waits for ever.
 */
function isTooOld(hmail: OutboundItem, now: number): boolean {
  if (hmail.todo.queue_time === undefined) return true
  const lifetimeMs = readRetryIntervals(hmail).reduce((sum, seconds) => sum + seconds, 0) * 1000
  return now - hmail.todo.queue_time > Math.max(lifetimeMs, SHORTEST_PATIENCE_MS)
}

/** A wait that is not counted as an attempt, for those who keep account of it. */
export interface UncountedWait {
  readonly why: WaitReason
  readonly reason: string
  readonly seconds: number
  /** Servers that took no part because they are held by hand, and because of a limit. */
  readonly held: readonly Exchange[]
  readonly full: readonly Exchange[]
}

/** Why and how long a message waits. */
export interface Requeue {
  readonly reason: string
  /** For the line that says so. */
  readonly log: Pick<Loggable, 'lognotice' | 'logdebug'>
  /** Milliseconds since the epoch. */
  readonly now: number
  /**
   * Until the next attempt, never more than Haraka's own interval.
   *
   * @default Haraka's own interval
   */
  readonly seconds?: number
  /** Called when the wait begins, with its seconds. */
  readonly onWait?: (seconds: number) => void
}

/**
 * Puts the message back into the queue without counting an attempt: nothing was tried for which it could be blamed.
 * A message that is too old is deferred by Haraka's count instead.
 */
export function requeue(hmail: OutboundItem, { now, ...rest }: Requeue): void {
  if (isTooOld(hmail, now)) hmail.temp_fail(rest.reason)
  else putOff(hmail, rest)
}

/** As {@link requeue}, however old the message is. */
export function putOff(hmail: OutboundItem, wait: Omit<Requeue, 'now'>): void {
  const delay = Math.max(0, Math.min(wait.seconds ?? Infinity, retryInterval(hmail)))
  announce(wait, delay)
  // Haraka 3.3.4 outbound/hmail.js send_email_respond(): next_cb(), then the temp fail queue. Name and count of the queue
  // file stay as they are.
  hmail.send_email_respond(RETVAL.delay, delay)
}

/** @param level DEBUG for what was said before */
function announce(
  { reason, log, onWait }: Pick<Requeue, 'reason' | 'log' | 'onWait'>,
  seconds: number,
  level: 'notice' | 'debug' = 'notice',
): void {
  log[`log${level}`](`waiting ${Math.ceil(seconds)} s, not counted as an attempt: ${reason}`)
  onWait?.(seconds)
}

/** As {@link requeue}, where nothing but a change elsewhere lets the message go on: it waits in memory for that. */
export interface RoomWait extends Omit<Requeue, 'seconds'> {
  readonly queue: DeliveryQueue
  readonly why: WaitReason
  /** Servers at a limit of which one that has room again is enough. */
  readonly exchanges: readonly Exchange[]
  /** Called with what ends the wait. */
  readonly onBegin: (release: () => void) => void
}

/** Has the message wait in memory until something changes; one that is too old is deferred by Haraka's count instead. */
export function waitForRoom(hmail: OutboundItem, wait: RoomWait): void {
  const { now, reason, queue, why, exchanges, onBegin } = wait
  if (isTooOld(hmail, now)) {
    hmail.temp_fail(reason)
    return
  }
  const interval = retryInterval(hmail)
  announce(wait, queue.secondsToLook(interval), queue.waitsOn(hmail, why) ? 'debug' : 'notice')
  onBegin(queue.waitForRoom(hmail, { exchanges, why, interval }))
}

/**
 * To be called just before `get_mx` is answered with DENYSOFT: this one answer makes the message wait, see {@link requeue},
 * instead of counting as a failed attempt.
 */
export function requeueAfterAnswer(
  hmail: OutboundItem,
  { now, ...rest }: Omit<Requeue, 'now'> & { readonly now: () => number },
): void {
  replaceNextCall(hmail, 'temp_fail', () => requeue(hmail, { ...rest, now: now() }))
}
