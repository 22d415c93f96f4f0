import type { NextMx } from '../model/terms'

/** How a session failed, by the words of {@link NextMx}. */
export type FailureKind = 'no-answer' | 'connection' | 'temporary'

/** Does the message go on to the next exchange after such a failure? Otherwise it is deferred. */
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
