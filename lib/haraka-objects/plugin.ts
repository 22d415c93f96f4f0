/*
 * Structural types of the parts of Haraka 3.1 to 3.3 that are used. Haraka ships no types of its own.
 */

/** The return codes of hooks, as Haraka's `haraka-constants` numbers them. */
export const RETVAL = { cont: 900, stop: 901, deny: 902, denysoft: 903, ok: 906, delay: 908 } as const

/** A hook's answer. */
export type Next = (retval?: number, message?: unknown) => void

/** `address-rfc2821` (Haraka 3.1) or `@haraka/email-address` (3.2 and later). */
export interface HarakaAddress {
  user: string | null
  host: string | null
  original?: string
  address?: string | ((address?: string) => string)
  format?: (usePunycode?: boolean) => string
}

/** The notes of a transaction, and of the queue file that was made of it: whatever plugins have put there. */
export type Notes = Record<string, unknown>

/** A logging method: an object of Haraka among the parameters says of which message or plugin the line is. */
type LogMethod = (...parameters: unknown[]) => unknown

/** What can be logged to: Haraka, a plugin or a message, with one method for each level. */
export interface Loggable {
  logdebug: LogMethod
  loginfo: LogMethod
  lognotice: LogMethod
  logwarn: LogMethod
  logerror: LogMethod
  logcrit: LogMethod
}

/** A plugin as Haraka makes it (`plugins.js` class `Plugin`). */
export interface HarakaPlugin extends Loggable {
  readonly name: string
  /** Seconds that a hook may take; 0: for ever. */
  readonly timeout: number
  register_hook(hook: string, method: string, priority?: number): void
  /** `require` in Haraka's own folder. */
  haraka_require(name: string): unknown
}

/** What a plugin sees of a client's connection. */
export interface HarakaConnection {
  readonly notes?: Notes
  readonly transaction?: { notes: Notes } | null
}
