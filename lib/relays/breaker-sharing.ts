import type { Trouble } from './breaker'

/** What a process shows of its breakers to the one that shares them. Servers go by their breaker key. */
export interface BreakerBook {
  /** Undefined: the server works, or is not known. */
  trouble(key: string): Trouble | undefined
  /** All servers with trouble. */
  troubled(): readonly string[]
  /** Takes over what others know of a server that this process has met. */
  adopt(key: string, trouble: Trouble | undefined): void
}

/** Shares breakers with other processes, of this server and of others. Nothing here throws or rejects. */
export interface BreakerSharing {
  /** To be called once, before all others. */
  begin(book: BreakerBook): void
  /** Do others know of trouble with a server that this process has not met? */
  hasTrouble(key: string): boolean
  /** From now on the book hears of this server. @returns what others know of it already */
  meet(key: string): Trouble | undefined
  /** The server has failed here, or works again. */
  send(key: string): void
  /**
   * Asks for the one trial of a server whose pause is over.
   *
   * @returns undefined: nobody can be asked, so this process decides for itself; false: another has the trial, or may have it
   */
  askTrial(key: string): Promise<boolean> | undefined
  /** The trial ended without a result. */
  freeTrial(key: string): void
}
