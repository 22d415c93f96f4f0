import type { OutboundItem } from './types'
import { override } from '../patch'
import { RETVAL } from '../types'

/** Haraka's default for its first attempt (`outbound/config.js`), where its settings cannot be seen. */
const FALLBACK_INTERVAL = 64

/** Retry intervals in seconds, as `outbound.ini` `temp_fail_intervals` gave them. */
function intervals(hmail: OutboundItem): readonly number[] {
  return hmail.cfg?.temp_fail_intervals ?? []
}

/** Seconds until Haraka would try again after its next failure. */
export function retryInterval(hmail: OutboundItem): number {
  const all = intervals(hmail)
  return all[Math.min(hmail.num_failures, all.length - 1)] ?? FALLBACK_INTERVAL
}

/**
 * Is the message older than all of Haraka's retry intervals together? Then a wait counts as an attempt, so that no message
 * waits for ever.
 */
function tooOld(hmail: OutboundItem, now: number): boolean {
  if (hmail.todo.queue_time === undefined) return true
  const lifetime = intervals(hmail).reduce((sum, seconds) => sum + seconds, 0)
  return now - hmail.todo.queue_time > lifetime * 1000
}

/**
 * Puts the message back into the queue without counting an attempt: nothing was tried for which it could be blamed.
 * A message that is too old is deferred by Haraka's count instead.
 *
 * @param seconds until the next attempt; default: Haraka's own interval, which it never exceeds
 * @param putBack how; default: Haraka's own way, by its clock of one second
 */
export function waitNow(
  hmail: OutboundItem,
  reason: string,
  now: number,
  seconds?: number,
  // Haraka 3.3.4 outbound/hmail.js send_email_respond(): next_cb(), then the temp fail queue. Name and count of the queue
  // file stay as they are.
  putBack: (seconds: number) => void = (delay) => void hmail.send_email_respond(RETVAL.delay, delay),
): void {
  if (tooOld(hmail, now)) {
    hmail.temp_fail(reason)
    return
  }
  const delay = Math.max(0, Math.min(seconds ?? Infinity, retryInterval(hmail)))
  hmail.lognotice(`waiting ${Math.ceil(delay)} s, not counted as an attempt: ${reason}`)
  putBack(delay)
}

/**
 * To be called from `get_mx` before it answers DENYSOFT: this one answer makes the message wait (see {@link waitNow})
 * instead of counting as a failed attempt.
 */
export function waitWithoutCounting(
  hmail: OutboundItem,
  reason: string,
  now: () => number,
  seconds?: number,
): void {
  const undo = override(hmail, 'temp_fail', () => () => {
    undo()
    waitNow(hmail, reason, now(), seconds)
  })
}
