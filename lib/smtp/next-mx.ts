/**
 * What moves a message on to the next exchange of its decision.
 *
 * - `no_answer`: only a server that does not answer.
 * - `connection`: also one that fails before it has replied to a recipient: greeting, EHLO, STARTTLS, 421, connection lost.
 * - `temporary`: also a 4xx reply to MAIL, to every RCPT, to DATA or to the end of the message.
 */
export type NextMx = 'no_answer' | 'connection' | 'temporary'

/** @default */
export const DEFAULT_NEXT_MX: NextMx = 'connection'

/** How a session failed, in the words of {@link NextMx}. */
export type FailureKind = 'no-answer' | 'connection' | 'temporary'

/** Does the message move on to the next exchange after such a failure? Else it is deferred. */
export function movesOn(nextMx: NextMx, kind: FailureKind): boolean {
  switch (nextMx) {
    case 'no_answer':
      return kind === 'no-answer'
    case 'connection':
      return kind !== 'temporary'
    case 'temporary':
      return true
    default:
      return nextMx satisfies never
  }
}
