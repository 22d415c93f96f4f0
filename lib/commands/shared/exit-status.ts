import type { Decision } from '../../model/decision'

/** Exit statuses of `dns-overrides`, numbered as in sysexits.h. */
export const EXIT = {
  /** Done; for `explain` and `resolve`: the message would be sent. */
  ok: 0,
  /** Wrong usage (EX_USAGE). */
  usage: 64,
  /** No route: the message would bounce (EX_NOHOST). */
  noRoute: 68,
  /** Failed for the reason in the message, or because of a mistake in this program (EX_SOFTWARE). */
  fault: 70,
  /** The output could not be written (EX_IOERR). */
  output: 74,
  /** The message would be deferred; a relay cannot be used now (EX_TEMPFAIL). */
  tempFail: 75,
  /** The configuration is missing, has errors, or does not meet its own `[tests]` (EX_CONFIG). */
  config: 78,
} as const

/** The exit status for an outcome. */
export function exitStatusOf(outcome: Decision['outcome']): number {
  switch (outcome) {
    case 'deliver':
      return EXIT.ok
    case 'bounce':
      return EXIT.noRoute
    case 'defer':
      return EXIT.tempFail
    default:
      return outcome satisfies never
  }
}
