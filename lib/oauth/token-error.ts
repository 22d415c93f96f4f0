import { DnsOverridesError } from '../model/errors'
import { shortenTo } from '../model/printable'

/** Characters of an explanation that are kept. */
const LONGEST = 300

/** No token was got. The message is what follows the name of the token endpoint in a sentence; it holds no secret. */
export class TokenError extends DnsOverridesError {
  /** The endpoint asks not to be asked again before so many milliseconds (RFC 9110 section 10.2.3). */
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs?: number) {
    super(shortenTo(message, LONGEST), { code: 'ETOKEN', temporary: true })
    this.retryAfterMs = retryAfterMs
  }
}
