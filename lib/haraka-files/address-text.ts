import { toFields } from '../model/foreign-json'

/**
 * The text of an envelope address without angle brackets, as the client wrote it; empty for the null sender. The classes of Haraka
 * (`address-rfc2821` in 3.1, `@haraka/email-address` from 3.2 on) and the JSON of its queue files have the same fields: the local part
 * in `user` (with its quotes), the host as written in `original_host`.
 */
export function addressText(address: unknown): string {
  const { user, host, original_host: written } = toFields(address)
  if (typeof user !== 'string' || user === '') return ''
  // The host of a bare <postmaster> is empty.
  const domain = typeof written === 'string' && written !== '' ? written : host
  return typeof domain === 'string' && domain !== '' ? `${user}@${domain}` : user
}
