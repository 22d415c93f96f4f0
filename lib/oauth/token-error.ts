import { DnsOverridesError } from '../model/errors'
import { shortenTo } from '../model/printable'

/** Characters of an explanation that are kept. */
const LONGEST = 300

/** There is no token. The message follows the name of the token endpoint in a sentence, and holds no secret. */
export class TokenError extends DnsOverridesError {
  /** Time for which the endpoint asks not to be asked again, milliseconds (RFC 9110 section 10.2.3). */
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs?: number) {
    super(shortenTo(message, LONGEST), { code: 'ETOKEN', temporary: true })
    this.retryAfterMs = retryAfterMs
  }
}
