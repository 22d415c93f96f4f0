import { replaceNextCall } from '../haraka-objects/patch'
import type { HMailItem } from '../haraka-objects/outbound'

/** What Haraka 3.3.4 (`outbound/hmail.js` `get_mx_respond`) says of every DENY and every DENYSOFT, whatever the reason was. */
const STOCK = { bounce: /^No MX for /, temp_fail: /^Temporary MX lookup error for / } as const

/** Ends the attempt; `inner` is Haraka's method. */
export type Finish = (inner: HMailItem['bounce'], reason: unknown, extra: unknown) => unknown

/**
 * Makes the report to the sender, the hooks `bounce` and `deferred` and the log say what happened, in place of Haraka's stock
 * words. To be called just before `get_mx` is answered with DENY (`bounce`) or DENYSOFT (`temp_fail`); holds for this answer.
 *
 * @param finish goes on with the reason in place of Haraka's method
 */
export function explainFailure(
  hmail: HMailItem,
  how: 'bounce' | 'temp_fail',
  message: string,
  finish: Finish = (inner, reason, extra) => inner.call(hmail, reason, extra),
): void {
  replaceNextCall(hmail, how, (inner, error, extra) => {
    if (!STOCK[how].test(String(error))) return inner.call(hmail, error, extra)
    for (const recipient of hmail.todo.rcpt_to) recipient.dsn_msg = message
    return finish(inner, message, extra)
  })
}
