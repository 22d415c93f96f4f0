import { failedAt } from '../../model/failure'
import type { Exchange } from '../../model/exchange'
import { exchangeLabel } from '../../model/exchange'
import type { FailedStep } from '../../model/message'
import { isGood, isPermanent, isTemporary, type Reply } from '../../model/reply'
import type { SessionReport } from '../../smtp/session-types'

/** One connection of an attempt. Holds no secret. */
export interface ConnectionReport {
  readonly exchange: Exchange
  readonly address: string
  /** Was it encrypted at its end? */
  readonly encrypted: boolean
  /** How far it came; absent where there was no connection. */
  readonly session?: SessionReport | undefined
}

/** Why an attempt did not deliver the message, or a recipient of it. */
export interface Setback {
  readonly failed: Exclude<FailedStep, ''>
  /** What the server said, if that was it. */
  readonly reply?: Reply
  /** The reply, or what went wrong. */
  readonly text: string
}

/** Was a recipient, or the whole message, refused for good? */
export function isRefusal(setback: Setback | undefined): boolean {
  const reply = setback?.reply
  return reply !== undefined && isPermanent(reply)
}

/** An attempt that has ended without delivery, as it is kept with the message. */
export interface FailedAttempt {
  readonly setback: Setback
  /** The last connection; absent where none was tried. */
  readonly connection?: ConnectionReport
  /** The override lines that rescue the message from this setback, as written. */
  readonly rescuedBy: readonly string[]
}

/** Where the message was sent: `line 3`, also for terms, `attempts` or `dns`; empty where it was sent nowhere. */
export function describeAttemptOrigin({ connection }: FailedAttempt): string {
  const origin = connection?.exchange.origin
  if (origin === undefined) return ''
  return origin.kind === 'attempts' || origin.line === undefined ? origin.kind : `line ${origin.line}`
}

/** The server of a failed attempt; empty where there was none. */
export const describeAttemptServer = ({ connection }: FailedAttempt): string =>
  connection === undefined ? '' : exchangeLabel(connection.exchange)

const refusedWith = (failed: Setback['failed'], reply: Reply): Setback => ({
  failed,
  reply,
  text: reply.text,
})

/** What stopped the whole message at this connection; undefined if nothing did. */
export function findSetback({ session }: ConnectionReport): Setback | undefined {
  if (session === undefined) return { failed: 'connect', text: 'no connection' }
  const { failure, reply, stage, refused } = session
  if (failure !== undefined) {
    const said = failure.reply === undefined ? {} : { reply: failure.reply }
    return { failed: failedAt(failure.stage), ...said, text: failure.message }
  }
  if (reply !== undefined && (isTemporary(reply) || isPermanent(reply))) {
    return refusedWith(failedAt(stage), reply)
  }
  const last = refused.at(-1)
  return last === undefined ? undefined : refusedWith(failedAt(last.stage), last.reply)
}

/** What stopped each recipient, by its place in the message; undefined for one that nothing stopped. */
export function findSetbacks(
  connection: ConnectionReport,
  recipients: number,
): readonly (Setback | undefined)[] {
  const { session } = connection
  const refused = new Map(
    session?.refused.map(({ index, stage, reply }) => [index, refusedWith(failedAt(stage), reply)]),
  )
  const whole = wholeSetback(connection)
  return Array.from({ length: recipients }, (_, index) => refused.get(index) ?? whole)
}

/** What the server said to the message as a whole: to MAIL, DATA or the dot. */
function wholeSetback(connection: ConnectionReport): Setback | undefined {
  const { session } = connection
  if (session === undefined || session.failure !== undefined) return findSetback(connection)
  const { reply, stage, lmtp } = session
  const speaksToAll = stage !== 'rcpt' && !(stage === 'dot' && lmtp)
  return speaksToAll && reply !== undefined && !isGood(reply) ? findSetback(connection) : undefined
}
