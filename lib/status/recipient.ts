import { UsageError } from '../model/errors'
import { normalizeDomain } from '../rules/domain-pattern'
import { stripBrackets } from '../rules/message-spec'

/**
 * The domain of a recipient: of an address, with or without angle brackets, or a domain by itself. U-labels become A-labels.
 *
 * @throws UsageError if it is neither
 */
export function recipientDomain(recipient: string): string {
  const text = stripBrackets(recipient).replace(/\.$/, '')
  let host = text
  if (text.includes('@')) {
    const { Address } = require('address-rfc2821') as typeof import('address-rfc2821')
    try {
      const address = new Address(`<${text}>`)
      host = address.original_host ?? address.host
    } catch {
      throw new UsageError(`"${recipient}" is not an address`)
    }
  }
  const domain = normalizeDomain(host)
  if (domain === undefined) throw new UsageError(`"${recipient}" is neither an address nor a domain`)
  return domain
}
