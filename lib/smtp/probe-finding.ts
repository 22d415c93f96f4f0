import type { Reply } from './probe-connection'

/** One thing that was looked at. `advice`: what to do about it. */
export interface ProbeFinding {
  readonly step: 'address' | 'connect' | 'greeting' | 'ehlo' | 'tls' | 'certificate' | 'auth'
  readonly result: 'good' | 'warning' | 'bad'
  readonly message: string
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

/** A step whose fault is told as that step's. */
export async function during<T>(step: ProbeFinding['step'], work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new ProbeStop(step, error instanceof Error ? error.message : String(error))
  }
}

/** A reply as it may be printed: a server must not move the cursor of the terminal. */
export function said(reply: Reply): string {
  const text = `${reply.code} ${reply.lines.join(' ')}`.trim()
  return text.replace(/\p{Cc}/gu, '\ufffd')
}
