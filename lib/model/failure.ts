import type { FailedStep } from './message'

/** The steps of one connection, in their order. `dot`: the end of the message. */
export type Stage = 'connect' | 'greeting' | 'ehlo' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot'

/** What went wrong at a server, for which the recipient is not to blame. */
export interface RelayFailure {
  readonly stage: Stage
  /** One line for the log. Holds no secret. */
  readonly message: string
}

/** The word of `$failed` for a step of a connection: EHLO goes with the greeting, the end of the message with its data. */
export function failedAt(stage: Stage): Exclude<FailedStep, '' | 'dns'> {
  if (stage === 'ehlo') return 'greeting'
  return stage === 'dot' ? 'data' : stage
}
