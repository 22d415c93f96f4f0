/** Structural types of the parts of Haraka 3.1 to 3.3 that are used. Haraka ships no types of its own. */

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
