/** The result of one step. */
export interface ProbeFinding {
  readonly step:
    'token' | 'address' | 'connect' | 'greeting' | 'ehlo' | 'tls' | 'certificate' | 'client' | 'auth'
  readonly result: 'good' | 'warning' | 'bad'
  readonly message: string
  /** What to do about it. */
  readonly advice?: string
}

/** Ends the probe of one address; the finding says why. */
export class ProbeStop extends Error {
  readonly finding: ProbeFinding

  constructor(step: ProbeFinding['step'], message: string, advice?: string) {
    super(message)
    this.finding = { step, result: 'bad', message, ...(advice === undefined ? {} : { advice }) }
  }
}
