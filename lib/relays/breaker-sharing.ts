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

/** The one trial of a server, or that it needs none. */
export interface HeldTrial {
  /** Nothing came of it: another message may try. After another trial of the server has begun, it changes nothing. */
  readonly free: () => void
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
   * @returns undefined: nobody can be asked, so this process decides for itself; a promise of undefined: another has the trial, or may
   *   have it
   */
  askTrial(key: string): Promise<HeldTrial | undefined> | undefined
}
