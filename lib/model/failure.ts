/** What went wrong at a relay, for which the recipient is not to blame. */
export interface RelayFailure {
  readonly kind: 'connect' | 'greeting' | 'tls' | 'auth' | 'protocol'
  /** One line for the log. Holds no secret. */
  readonly message: string
}
